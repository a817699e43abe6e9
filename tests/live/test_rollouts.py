"""Rollouts in a running program with two workers: over REST and gRPC, from the command to the guard's stop."""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.bundle.pointer import activate
from app.bundle.rollout import RolloutSpec, end_rollout, new_id, read_rollout, write_rollout
from app.bundle.store import Bundle
from tests.bundles import copy_as_version, copy_models
from tests.known import KEY
from tests.live.program import PATIENCE, SERVE, Start, worker_pids
from tests.live.rpc import BEER_ROW, caller, typed
from tests.live.traffic import BODY, Traffic
from tests.live.wire import request
from tests.planted import plant

pytestmark = pytest.mark.alone

NAME = "beer-ibu"


@pytest.fixture
def root(bundle: Bundle, models: Path, tmp_path: Path) -> Path:
    """The committed bundles; of the beer model, version 2 is a copy of version 1, and version 3 is wrong by 20 IBU."""
    root = copy_models(models, bundle, tmp_path / "models")
    activate(root, NAME, "1")
    copy_as_version(bundle, root, 2)
    plant(bundle, root, 3, "wrong")
    return root


def _begin(root: Path, mode: Any, version: str, **more: Any) -> None:
    write_rollout(root, NAME, RolloutSpec(id=new_id(), mode=mode, version=version, **more))


def _stopped(root: Path) -> str:
    spec = read_rollout(root, NAME)
    return spec.stopped if spec else ""


def _wait_until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="workers")
def test_a_rollout_from_shadow_to_a_bad_canary_fails_no_call(start: Start, root: Path) -> None:
    program = start(API_KEY=KEY, PORT="0", MODEL_URI=str(root), WORKERS="2", GRPC_ENABLED="true")
    port = program.port()

    def version() -> str:
        body: Any = program.send(request("POST", "/predict", [("X-API-Key", KEY)], BODY)).json
        return str(body["model"]["version"])

    with Traffic(port) as traffic, caller(program.rpc()) as client:
        _begin(root, "shadow", "2", share=1.0, max_difference=0.1)
        program.lines_with("is tried beside version 1: shadow", 2)
        _begin(root, "canary", "2", share=0.5, max_difference=0.1)
        program.lines_with("is tried beside version 1: canary", 2)
        calls = Counter(client.infer(typed(NAME, BEER_ROW)).message.model_version for _ in range(60))
        assert set(calls) == {"1", "2"} and 10 <= calls["2"] <= 50
        _wait_until(lambda: {version() for _ in range(30)} == {"1", "2"})
        activate(root, NAME, "2")
        end_rollout(root, NAME)
        _wait_until(lambda: {version() for _ in range(30)} == {"2"})
        _begin(root, "canary", "3", share=1.0, max_difference=10.0, window=20)
        _wait_until(lambda: "differ by 20" in _stopped(root))
        _wait_until(lambda: {version() for _ in range(30)} == {"2"})
        assert client.infer(typed(NAME, BEER_ROW)).message.model_version == "2"
    assert traffic.failures == []
    _begin(root, "canary", "1", share=0.5)
    program.lines_with("is tried beside version 2: canary", 4)
    os.kill(min(worker_pids(program)), signal.SIGKILL)  # as a candidate that crashes its process does
    _wait_until(lambda: _stopped(root) == "a worker ended while it tried the version")
    _wait_until(lambda: {version() for _ in range(30)} == {"2"})
    assert "Traceback" not in program.errors
    program.process.send_signal(signal.SIGTERM)
    assert program.exit_code() == 0


def test_a_bad_version_on_a_model_server_is_stopped_by_the_program_in_front(start: Start, root: Path) -> None:
    settings = {"API_KEY": KEY, "PORT": "0", "MODEL_URI": str(root), "MODELS": "beer-ibu,beer-ibu-recipe"}
    models = start(command=(*SERVE, "--role", "model-server"), GRPC_PORT="0", **settings)
    target = models.rpc()
    program = start(MODEL_SERVER=f"grpc://{target}", MODEL_SERVER_API_KEY=KEY, **settings)
    port = program.port()
    with Traffic(port) as traffic:
        _begin(root, "canary", "3", share=1.0, max_difference=10.0, window=20)
        _wait_until(lambda: "differ by 20" in _stopped(root))
    assert traffic.failures == []
    program.lines_with("canary is stopped", 1)
    assert "is tried" not in models.errors, "the machines in front choose the version"
