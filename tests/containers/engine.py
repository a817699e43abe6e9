"""Calls of docker or podman: commands, files of an image, waiting for a state."""

import json
import os
import shutil
import subprocess
import tarfile
import time
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from tests.known import REPOSITORY

PROGRAM = os.environ.get("CONTAINER_ENGINE") or shutil.which("docker") or shutil.which("podman")
PATIENCE = 90.0
"""Seconds that a test waits, on a busy machine as well."""


def missing() -> str:
    """Return why no container can be run here; empty if one can."""
    if PROGRAM is None:
        return "neither docker nor podman is installed"
    completed = subprocess.run([PROGRAM, "info"], capture_output=True, text=True)
    return f"{PROGRAM} info: {completed.stderr.strip()[-200:]}" if completed.returncode else ""


def engine(*arguments: str, check: bool = True) -> str:
    """Return the output of a command of the engine."""
    completed = subprocess.run([str(PROGRAM), *arguments], capture_output=True, text=True)
    assert not check or completed.returncode == 0, f"{arguments}: {completed.stdout}{completed.stderr}"
    return completed.stdout.strip()


def inspect(kind: str, name: str) -> dict[str, Any]:
    """Return the engine's description of an image or a container."""
    objects: list[dict[str, Any]] = json.loads(engine(kind, "inspect", name))
    return objects[0]


def log(container: str) -> str:
    """Return what a container wrote to stdout and stderr."""
    arguments = [str(PROGRAM), "logs", container]
    return subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout


def wait_for(description: str, condition: Callable[[], object]) -> None:
    """Wait until the condition holds; each check starts a process of the engine."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE} s: {description}"


def compose(
    project: str, environment: Mapping[str, str], *arguments: str, override: Path | None = None, seconds: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run a command of compose with docker-compose.yml.

    Args:
        project: Name of the project, with which the names of all of its objects begin.
        environment: Variables of compose, besides this process's own.
        arguments: The command.
        override: A second file.
        seconds: How long it may take.
    """
    paths = [REPOSITORY / "docker-compose.yml", *([override] if override else [])]
    chosen = [word for path in paths for word in ("--file", str(path))]
    command = [str(PROGRAM), "compose", "--project-name", project, *chosen, *arguments]
    variables = {**os.environ, **environment}
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=seconds)


def has_compose() -> bool:
    """Whether the engine has compose."""
    return not subprocess.run([str(PROGRAM), "compose", "version"], capture_output=True).returncode


@cache
def files(image: str) -> dict[str, tarfile.TarInfo]:
    """Return the files of an image by path, without the leading slash."""
    container = engine("create", image, "true")
    try:
        with subprocess.Popen([str(PROGRAM), "export", container], stdout=subprocess.PIPE) as exported:
            with tarfile.open(fileobj=exported.stdout, mode="r|") as archive:
                return {entry.name.removeprefix("./"): entry for entry in archive}
    finally:
        engine("rm", container)


def script(name: str, *arguments: str, cwd: Path, folder: Path = REPOSITORY) -> subprocess.CompletedProcess[str]:
    """Run a script of the repository, or of a copy of it, from another working directory."""
    return subprocess.run([str(folder / name), *arguments], cwd=cwd, capture_output=True, text=True)
