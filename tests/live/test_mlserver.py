"""The program with a real MLServer that runs the same model.onnx: same responses, and 503 after MLServer has ended."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.domains.beer.schema import EXAMPLE_BEER, EXAMPLE_RECIPE
from app.domains.iris import EXAMPLE_FLOWER
from tests.known import KEY
from tests.live.program import PATIENCE, Program, Start
from tests.live.remote import READY, ask
from tests.mlserver.server import MlServer, NotInstalled, install

MODELS = ("beer-ibu", "beer-ibu-recipe", "iris")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlServer]:
    """A running MLServer. Tests are skipped if it cannot be installed."""
    try:
        python = install(tmp_path_factory.mktemp("mlserver-environment"))
    except NotInstalled as reason:
        pytest.skip(f"MLServer cannot be installed: {reason}")
    server = MlServer(python, tmp_path_factory.mktemp("mlserver"), *MODELS)
    yield server
    server.kill()


def test_the_responses_equal_those_of_a_program_that_runs_the_models_itself(
    start: Start, server: MlServer, program: Program, tmp_path: Path
) -> None:
    front = start(API_KEY=KEY, PORT="0", MODEL_SERVER=f"grpc://{server.target}")
    assert front.send(READY).status == 200
    beers = [{**EXAMPLE_BEER, "abv": abv / 10} for abv in range(30, 130)]
    calls = {
        "/predict": EXAMPLE_BEER,
        "/predict/batch": {"beers": [*beers, {**EXAMPLE_RECIPE, "explain": False}]},
        "/explain": EXAMPLE_RECIPE,
        "/iris/predict": EXAMPLE_FLOWER,
    }
    for path, body in calls.items():
        remote, local = ask(front, path, body), ask(program, path, body)
        assert (remote.status, remote.body) == (200, local.body), path
    server.kill()
    deadline = time.monotonic() + PATIENCE
    while front.send(READY).status != 503:
        assert time.monotonic() < deadline
    assert ask(front, "/predict", EXAMPLE_BEER).status == 503
