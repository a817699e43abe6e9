"""The check of uvicorn's internals: a missing or changed name stops the start with a clear message."""

import subprocess
import sys

import pytest
import uvicorn

from app.serving import uvicorn_internals
from app.serving.uvicorn_internals import WANTED, FlowControl, check_uvicorn, missing_names
from tests.known import REPOSITORY

MISSING_IMPORT = """
import uvicorn.protocols.http.httptools_impl as internals
del internals.RequestResponseCycle
import app.serving.server
"""


def test_the_installed_uvicorn_passes_the_check() -> None:
    assert missing_names() == []
    assert uvicorn.__version__.startswith(f"{WANTED}.")


def test_missing_names_stop_the_start(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delattr(uvicorn.Server, "on_tick")
    monkeypatch.delattr(FlowControl, "pause_reading")
    assert missing_names() == ["Server.on_tick", "FlowControl.pause_reading"]
    with pytest.raises(SystemExit) as stopped:
        check_uvicorn()
    message = capsys.readouterr().err
    assert stopped.value.code == 1
    assert "Server.on_tick, FlowControl.pause_reading" in message and f"uvicorn=={WANTED}.*" in message


def test_a_changed_constructor_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def other(scope: object) -> None:
        """Take other arguments."""

    monkeypatch.setattr(uvicorn_internals, "RequestResponseCycle", other)
    with pytest.raises(SystemExit) as stopped:
        check_uvicorn()
    assert stopped.value.code == 1 and "unexpected keyword argument" in capsys.readouterr().err


def test_a_name_that_cannot_be_imported_stops_the_start() -> None:
    result = subprocess.run(
        [sys.executable, "-c", MISSING_IMPORT], cwd=REPOSITORY, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 1
    assert result.stderr.startswith(f"uvicorn {uvicorn.__version__} does not fit: cannot import name")
    assert "Traceback" not in result.stderr
