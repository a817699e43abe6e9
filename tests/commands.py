"""Runs commands of ``python -m app`` in this process."""

import io
import sys
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from app.cli.main import main

Capture = pytest.CaptureFixture[str]
Run = Callable[..., tuple[int, str, str]]
"""Runs a command with arguments, and bytes as ``stdin``; returns exit code, stdout and stderr."""
Print = Callable[..., str]
"""Runs a command with arguments; returns what it prints, its error included if ``code`` says that it fails so."""


def runner(command: str, monkeypatch: pytest.MonkeyPatch, capture: Capture) -> Run:
    """Return a function that runs a command."""

    def run(*arguments: object, stdin: bytes = b"") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["app", command, *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(stdin)))
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        return (code, *capture.readouterr())

    return run


def printer(command: str, monkeypatch: pytest.MonkeyPatch, capture: Capture) -> Print:
    """Return a function that runs a command whose exit code is known."""
    run = runner(command, monkeypatch, capture)

    def run_and_print(*arguments: object, code: int = 0) -> str:
        found, out, err = run(*arguments)
        assert found == code, err
        return out + err if code else out

    return run_and_print
