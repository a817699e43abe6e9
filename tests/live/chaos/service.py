"""A program under load, into which a test injects a fault; afterwards keys, swaps and metrics must agree again."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from app.bundle.pointer import activate
from app.bundle.store import Bundle
from tests.bundles import copy_as_version
from tests.known import KEY
from tests.live.program import Program, environment, started_workers, until
from tests.live.traffic import BODY, Traffic
from tests.live.wire import Answer, request

NAME = "beer-ibu"
WORKERS = 2
SETTLED_SECONDS = 30.0
"""Time in which everything must work again after a fault."""
_CALLS = re.compile(r'^http_requests_total\{route="/predict",method="POST",status="200"\} (\d+)', re.MULTILINE)


class Service:
    """The folders of a service, and the program while it runs."""

    def __init__(self, folder: Path, bundle: Bundle, models: Path) -> None:
        """Make the folders: ``models`` with two versions of the beer model, ``keys`` with the key file, ``tmp``.

        Args:
            folder: An empty folder.
            bundle: The committed bundle of the beer model.
            models: The folder of committed bundles.
        """
        self.folder = folder
        self.models, self.keys, self.temporary = (folder / name for name in ("models", "keys", "tmp"))
        shutil.copytree(models, self.models)
        shutil.rmtree(self.models / NAME)
        for version in (1, 2):
            copy_as_version(bundle, self.models, version)
        activate(self.models, NAME, "1")
        self.keys.mkdir()
        self.temporary.mkdir()
        self.create_key("first")

    def settings(self, **more: str) -> dict[str, str]:
        """Return the settings of the program, with more or other ones."""
        return {
            "API_KEY": KEY,
            "PORT": "0",
            "WORKERS": str(WORKERS),
            "MODEL_URI": str(self.models),
            "API_KEYS_FILE": str(self.keys / "keys.json"),
            "AUTH_FAILURES_PER_MINUTE": "0",
            "TMPDIR": str(self.temporary),
            **more,
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the program on these folders."""
        return subprocess.run(
            [sys.executable, "-m", "app", *arguments],
            cwd=self.folder,
            env=environment(**self.settings()),
            capture_output=True,
            text=True,
            timeout=60,
        )

    def create_key(self, name: str) -> str:
        """Create a key with the command, and return it."""
        created = self.run("keys", "create", "--name", name)
        assert created.returncode == 0, created.stderr
        return created.stdout.strip()


def ready(program: Program) -> None:
    """Wait until all workers answer."""
    program.port()
    until(lambda: started_workers(program) >= WORKERS, "the workers")


def predict(program: Program, key: str = KEY) -> Answer:
    """Ask for one prediction, on a new connection."""
    return program.send(request("POST", "/predict", [("X-API-Key", key)], BODY))


def answered(program: Program) -> int:
    """Return the number of predictions that /metrics counts."""
    text = program.send(request("GET", "/metrics", [("X-API-Key", KEY)])).body.decode()
    match = _CALLS.search(text)
    return int(match[1]) if match else 0


def is_answered(program: Program, key: str, status: int = 200) -> bool:
    """Return whether every worker answers a key with a status; connections spread over the workers by chance."""
    return all(predict(program, key).status == status for _ in range(8 * WORKERS))


def assert_consistent(service: Service, program: Program) -> None:
    """Assert that new keys, revoked keys, swaps and metrics work in every worker."""
    started = time.monotonic()
    name = f"key-{os.urandom(4).hex()}"
    key = service.create_key(name)
    until(lambda: is_answered(program, key), "the new key")
    key_id = next(line.split()[0] for line in service.run("keys", "list").stdout.splitlines() if name in line)
    assert service.run("keys", "revoke", key_id).returncode == 0
    until(lambda: is_answered(program, key, 401), "the rejection of the revoked key")
    for version in ("2", "1"):
        assert service.run("models", "activate", NAME, version).returncode == 0
        until(lambda wanted=version: is_version(program, wanted), f"version {version}")  # type: ignore[misc]
    before = answered(program)
    with Traffic(program.port()) as traffic:
        traffic.until(200)
    assert traffic.failures == []
    assert answered(program) - before == len(traffic.seconds), "the metrics count every call, whichever worker it met"
    assert time.monotonic() - started < SETTLED_SECONDS


def is_version(program: Program, version: str) -> bool:
    """Return whether every worker answers with a version."""
    return all(predict(program).json["model"]["version"] == version for _ in range(8 * WORKERS))
