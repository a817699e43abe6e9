"""docker-compose.yml's profile platform: a beer API is polled into the store, cleaned, answered, and trained on."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.containers.engine import PROGRAM, compose, engine, has_compose, inspect, log, wait_for
from tests.known import REPOSITORY

PROJECT = "beer-model-platform-check"
STORE, POLLER, TRANSFORMER = (f"{PROJECT}-{name}-1" for name in ("store", "poller", "transformer"))
SHARED = REPOSITORY.parent / "shared/data/punk_beers.json"
BEERS = SHARED if SHARED.exists() else REPOSITORY / "tests/data/recipes.json"
SERVE = (
    "import brewery, json; brewery.Brewery(json.load(open('/srv/beers.json')), [], address=('', 8080)).serve_forever()"
)
OVERRIDE = {
    "services": {
        "brewery": {
            "image": "beer-model:${TAG}",
            "entrypoint": ["/venv/bin/python", "-c", SERVE],
            "healthcheck": {"disable": True},
            "volumes": [f"{REPOSITORY}/tests/brewery.py:/srv/brewery.py:ro", f"{BEERS}:/srv/beers.json:ro"],
            "networks": ["store"],
        },
        "transformer": {"command": ["transform", "s3://beers", "--every", "1"]},
    }
}
RUNNING = ("store", "poller", "transformer", "brewery")
LEDGER = """
import gzip, json
from app.object_store import ObjectStore
store = ObjectStore("beers", "http://store:4568")
def lines(prefix, end):
    keys = [key for key, _ in store.objects(prefix) if key.endswith(end)]
    data = [store.read(key, 2**26) for key in keys]
    texts = [gzip.decompress(each) if end == ".gz" else each for each in data]
    return [json.loads(line) for text in texts for line in text.splitlines()]
raw, cleaned, answered = lines("raw", ".gz"), lines("cleaned", ".gz"), lines("results", ".predictions.jsonl")
print(json.dumps([len(raw), [beer["id"] for beer in cleaned], [beer["id"] for beer in answered]]))
"""
UPLOAD = """
from pathlib import Path
from app.object_store import ObjectStore
store, models = ObjectStore("beers", "http://store:4568"), Path("/srv/models")
for path in models.glob("beer-ibu/*/*"):
    store.write(f"models/{path.relative_to(models)}", path, "application/octet-stream")
"""


class Platform:
    """The containers of the platform, with an API that serves recipes."""

    def __init__(self, folder: Path) -> None:
        self._override = folder / "override.json"
        self._override.write_text(json.dumps(OVERRIDE))
        self.compose("build", "store", seconds=600)
        self.compose("up", "--detach", *RUNNING)

    def compose(self, *arguments: str, seconds: float = 120) -> str:
        """Return the output of a compose command."""
        settings = {"TAG": "tested", "STORE_PORT": "0", "BEER_API": "http://brewery:8080", "MODEL_SERVER_API_KEY": "x"}
        done = compose(PROJECT, settings, "--profile", "platform", *arguments, override=self._override, seconds=seconds)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def python(self, program: str, check: bool = True) -> str:
        """Run a program in the transformer's container; return its output."""
        return engine("exec", TRANSFORMER, "/venv/bin/python", "-c", program, check=check)

    def ledger(self) -> tuple[int, list[str], list[str]]:
        """The number of raw beers, and the ids of the clean and of the answered ones; waits for the store."""
        told = ""

        def read() -> bool:
            nonlocal told
            told = self.python(LEDGER, check=False)
            return told.startswith("[")

        wait_for("the store", read)
        raw, cleaned, answered = json.loads(told)
        return raw, cleaned, answered


@pytest.fixture(scope="module")
def platform(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    if not has_compose():
        pytest.skip(f"{PROGRAM} has no compose")
    started: Platform | None = None
    try:
        started = Platform(tmp_path_factory.mktemp("platform"))
        yield started
    finally:
        if started is None:
            engine("rm", "--force", *(f"{PROJECT}-{name}-1" for name in RUNNING), check=False)
        else:
            started.compose("down", "--timeout", "5", "--volumes")


def test_the_beers_of_an_api_are_cleaned_and_answered(platform: Platform) -> None:
    wait_for("answers", lambda: '"cleaned {' in log(TRANSFORMER).replace("\\", ""))
    raw, cleaned, answered = platform.ledger()
    assert raw == len(json.loads(BEERS.read_text("utf-8"))) > len(cleaned) > 0 and cleaned == answered


def test_beers_outlive_the_containers_and_are_not_cleaned_again(platform: Platform) -> None:
    wait_for("answers", lambda: platform.ledger()[2])
    platform.compose("stop", "--timeout", "5", "poller")
    before = platform.ledger()
    platform.compose("stop", "store", "transformer")
    assert [inspect("container", name)["State"]["ExitCode"] for name in (STORE, TRANSFORMER)] == [0, 0]
    platform.compose("rm", "--force", "store", "transformer")
    platform.compose("up", "--detach", "--no-deps", "store", "transformer")
    assert platform.ledger() == before
    assert '"cleaned {' not in log(TRANSFORMER).replace("\\", "")


def test_only_the_store_publishes_a_port_and_the_transformer_has_no_outside_access(platform: Platform) -> None:
    store, transformer = inspect("container", STORE), inspect("container", TRANSFORMER)
    published = {port: bindings for port, bindings in store["NetworkSettings"]["Ports"].items() if bindings}
    assert published.keys() == {"4568/tcp"} and published["4568/tcp"][0]["HostIp"] == "127.0.0.1"
    assert not any(transformer["NetworkSettings"]["Ports"].values())
    assert set(transformer["NetworkSettings"]["Networks"]) == {f"{PROJECT}_store"}
    assert inspect("network", f"{PROJECT}_store")["Internal"] is True
    for name in (STORE, POLLER, TRANSFORMER):
        host: dict[str, Any] = inspect("container", name)["HostConfig"]
        assert host["ReadonlyRootfs"] and host["Memory"] == 512 * 1024**2, name


@pytest.mark.skipif(not SHARED.exists(), reason="../shared/data is not here")
def test_the_container_that_trains_reads_what_was_gathered(platform: Platform) -> None:
    """These are the beers that the active version was trained on, so there is nothing new, which is no failure."""
    engine("build", "--target", "retrain", "--tag", "beer-model-retrain:tested", str(REPOSITORY))
    wait_for("answers", lambda: platform.ledger()[2])
    platform.python(UPLOAD)
    account = [
        f"--env=AWS_{name}" for name in ("REGION=eu-central-1", "ACCESS_KEY_ID=S3RVER", "SECRET_ACCESS_KEY=S3RVER")
    ]
    limits = ["--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", f"--network={PROJECT}_store"]
    name = f"{PROJECT}-retrain"
    words = ["--models", "s3://beers/models", "--name", "beer-ibu", "--s3-endpoint", "http://store:4568"]
    try:
        run = [*limits, *account, "beer-model-retrain:tested", *words, "--data", "s3://beers/cleaned/"]
        told = engine("run", "--name", name, *run, check=False)
        assert inspect("container", name)["State"]["ExitCode"] == 0, log(name)
        assert told.startswith("Nothing new: beer-ibu ")
    finally:
        engine("rm", "--force", name, check=False)
