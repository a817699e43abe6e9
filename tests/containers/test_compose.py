"""docker-compose.yml: an API whose models run in another container, with restarts of that container."""

import json
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.containers.engine import PROGRAM, compose, engine, has_compose, inspect, log, wait_for
from tests.known import BEER, REPOSITORY

PROJECT = "beer-model-check"
API, SERVER = f"{PROJECT}-api-1", f"{PROJECT}-model-server-1"


class Stack:
    """The containers, started with --wait; prints how long the start took."""

    def __init__(self, folder: Path) -> None:
        self._keys = folder / "keys.json"
        self.key = self._create("caller")
        self._environment = {
            "TAG": "tested",
            "PORT": "0",
            "KEYS_FILE": str(self._keys),
            "MODEL_SERVER_API_KEY": self._create("api"),
        }
        self._keys.chmod(0o644)
        began = time.monotonic()
        self.compose("up", "--detach", "--wait", "--wait-timeout", "120")
        print(f"up --wait: {time.monotonic() - began:.0f} s")
        address = self.compose("port", "api", "8000")
        self.url = f"http://{address}"

    def _create(self, name: str) -> str:
        created = subprocess.run(
            [sys.executable, "-m", "app", "keys", "create", "--name", name],
            env={**os.environ, "API_KEYS_FILE": str(self._keys)},
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=True,
        )
        return created.stdout.split()[-1]

    def compose(self, *arguments: str) -> str:
        """Return the output of a compose command."""
        completed = compose(PROJECT, self._environment, *arguments)
        assert completed.returncode == 0, completed.stdout + completed.stderr
        return completed.stdout.strip()

    def ask(self, path: str, body: object = None) -> tuple[int, Any]:
        """Send a request; return the status and the JSON of the answer."""
        data = json.dumps(body).encode() if body is not None else None
        headers = {"X-API-Key": self.key, "Content-Type": "application/json"}
        try:
            with urllib.request.urlopen(urllib.request.Request(self.url + path, data, headers), timeout=20) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)


@pytest.fixture(scope="module")
def stack(image: str, model_server_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    if not has_compose():
        pytest.skip(f"{PROGRAM} has no compose")
    stack: Stack | None = None
    try:
        stack = Stack(tmp_path_factory.mktemp("compose"))
        yield stack
    finally:
        if stack is None:
            engine("rm", "--force", API, SERVER, check=False)
        else:
            stack.compose("down", "--timeout", "5")


def test_every_model_answers_through_the_model_server(stack: Stack) -> None:
    before = log(SERVER).count("ModelInfer")
    status, answer = stack.ask("/predict", BEER)
    assert status == 200 and answer["ibu"] == pytest.approx(48, abs=1) and answer["model"]["name"] == "beer-ibu"
    hops = [{"name": "Magnum", "amount_g": 12, "boil_minutes": 60}]
    status, answer = stack.ask("/predict", {**BEER, "batch_volume_l": 20, "hops": hops})
    assert status == 200 and answer["model"]["name"] == "beer-ibu-recipe"
    wait_for("calls in the model server's log", lambda: log(SERVER).count("ModelInfer") >= before + 2)


def test_only_the_api_publishes_a_port_and_has_outside_access(stack: Stack) -> None:
    api, server = inspect("container", API), inspect("container", SERVER)
    assert not any(server["NetworkSettings"]["Ports"].values())
    published = {port: bindings for port, bindings in api["NetworkSettings"]["Ports"].items() if bindings}
    assert published.keys() == {"8000/tcp"} and published["8000/tcp"][0]["HostIp"] == "127.0.0.1"
    assert set(server["NetworkSettings"]["Networks"]) == {f"{PROJECT}_models"}
    assert set(api["NetworkSettings"]["Networks"]) == {f"{PROJECT}_models", f"{PROJECT}_outside"}
    assert inspect("network", f"{PROJECT}_models")["Internal"] is True


def test_both_containers_have_limits_and_read_keys_from_a_file(stack: Stack) -> None:
    for name in (API, SERVER):
        container = inspect("container", name)
        host = container["HostConfig"]
        assert host["ReadonlyRootfs"] and host["Memory"] == 512 * 1024**2 and host["PidsLimit"] == 256
        assert host["MemorySwap"] == host["Memory"]
        limits = engine("exec", name, "cat", "/proc/1/limits")
        assert re.search(r"^Max open files\s+4096\s", limits, re.MULTILINE)
        assert re.search(r"^Max core file size\s+0\s", limits, re.MULTILINE)
        assert host["RestartPolicy"]["Name"] == "unless-stopped"
        status = engine("exec", name, "cat", "/proc/1/status")
        assert set(re.findall(r"^Cap(?:Prm|Eff|Bnd):\s+(\w+)$", status, re.MULTILINE)) == {"0" * 16}
        assert re.search(r"^NoNewPrivs:\s+1$", status, re.MULTILINE)
        assert stack.key not in json.dumps(container)
        assert not any(value.startswith("API_KEY=") for value in container["Config"]["Env"])


def test_a_restart_of_the_model_server_needs_no_restart_of_the_api(stack: Stack) -> None:
    started = inspect("container", API)["State"]["StartedAt"]
    stack.compose("stop", "model-server")
    wait_for("readiness 503", lambda: stack.ask("/health/ready")[0] == 503)
    assert stack.ask("/health/ready")[1]["code"] == "not_ready"
    status, problem = stack.ask("/predict", BEER)
    assert status == 503 and problem["code"] == "not_ready" and problem["detail"]
    assert stack.ask("/health/live")[0] == 200
    stack.compose("start", "model-server")
    wait_for("readiness 200", lambda: stack.ask("/health/ready")[0] == 200)
    assert stack.ask("/predict", BEER)[0] == 200
    assert inspect("container", API)["State"]["StartedAt"] == started


def test_a_killed_model_server_is_restarted(stack: Stack) -> None:
    first = inspect("container", SERVER)["State"]["Pid"]
    engine("exec", SERVER, "/venv/bin/python", "-c", "import os; os.kill(1, 15)")
    wait_for("another process", lambda: inspect("container", SERVER)["State"]["Pid"] not in (0, first))
    wait_for("readiness 200", lambda: stack.ask("/health/ready")[0] == 200)


def test_an_unreadable_key_file_ends_the_start_with_the_reason(stack: Stack, tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text('{"format_version": 1, "keys": []}')
    keys.chmod(0o600)  # of this user, while the containers run as user 10001
    environment = {"TAG": "tested", "PORT": "0", "KEYS_FILE": str(keys), "MODEL_SERVER_API_KEY": "x" * 43}
    project = f"{PROJECT}-unreadable"
    try:
        started = compose(project, environment, "up", "--detach", "--wait")
        assert started.returncode and "check-keys" in started.stderr
        assert "Permission denied" in compose(project, environment, "logs", "check-keys").stdout
    finally:
        compose(project, environment, "down", "--timeout", "1")
