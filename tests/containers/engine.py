"""docker or podman as the tests call it: commands, files of an image, waiting for a state."""

import json
import os
import shutil
import subprocess
import tarfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from tests.known import REPOSITORY

PROGRAM = os.environ.get("CONTAINER_ENGINE") or shutil.which("docker") or shutil.which("podman")
PATIENCE = 90.0
"""Seconds until a test gives up on a machine that is busy with other things."""


def missing() -> str:
    """Why no container can be run here; empty where one can."""
    if PROGRAM is None:
        return "neither docker nor podman is installed"
    asked = subprocess.run([PROGRAM, "info"], capture_output=True, text=True)
    return f"{PROGRAM} info: {asked.stderr.strip()[-200:]}" if asked.returncode else ""


def engine(*words: str, check: bool = True) -> str:
    """What the engine says to a command."""
    done = subprocess.run([str(PROGRAM), *words], capture_output=True, text=True)
    assert not check or done.returncode == 0, f"{words}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


def inspect(kind: str, name: str) -> dict[str, Any]:
    """What the engine knows of an image or a container."""
    found: list[dict[str, Any]] = json.loads(engine(kind, "inspect", name))
    return found[0]


def log(container: str) -> str:
    """What a container wrote to stdout and stderr."""
    words = [str(PROGRAM), "logs", container]
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout


def wait_for(what: str, condition: Callable[[], object]) -> None:
    """Ask until it holds; each question is a process of the engine's and takes its time."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE} s: {what}"


@cache
def files(image: str) -> dict[str, tarfile.TarInfo]:
    """What an image holds, by path without the leading slash."""
    container = engine("create", image, "true")
    try:
        with subprocess.Popen([str(PROGRAM), "export", container], stdout=subprocess.PIPE) as exported:
            with tarfile.open(fileobj=exported.stdout, mode="r|") as archive:
                return {entry.name.removeprefix("./"): entry for entry in archive}
    finally:
        engine("rm", container)


def script(name: str, *words: str, cwd: Path, folder: Path = REPOSITORY) -> subprocess.CompletedProcess[str]:
    """Run a script of the repository, or of a copy of it, from another working directory."""
    return subprocess.run([str(folder / name), *words], cwd=cwd, capture_output=True, text=True)
