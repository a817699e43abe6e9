"""Commands whose output cannot be written: an exit code and a message, no traceback, and no key that nobody saw."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.committed import committed_models

ROOT = Path(__file__).parents[3]


def _run(folder: Path, *arguments: str, stdout: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command whose stdout is a pipe, or what the shell's redirection says."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "API_KEYS_FILE": str(folder / "keys.json"),
        "MODEL_URI": str(committed_models()),
    }
    command = ["sh", "-c", f'exec "$@" {stdout}', "sh", sys.executable, "-m", "app", *arguments]
    return subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("stdout", [">/dev/full", ">&-"])
def test_a_key_that_cannot_be_shown_is_not_stored(tmp_path: Path, stdout: str) -> None:
    assert _run(tmp_path, "keys", "create", "--name", "seen").returncode == 0
    before = (tmp_path / "keys.json").read_bytes()
    failed = _run(tmp_path, "keys", "create", "--name", "unseen", stdout=stdout)
    assert failed.returncode == 1
    assert failed.stderr.startswith("Output: stdout ") and failed.stderr.count("\n") == 1
    assert (tmp_path / "keys.json").read_bytes() == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("group", ["keys", "models"])
def test_a_list_that_cannot_be_written_is_one_line_of_error(tmp_path: Path, group: str) -> None:
    assert _run(tmp_path, "keys", "create", "--name", "seen").returncode == 0
    failed = _run(tmp_path, group, "list", stdout=">/dev/full")
    assert failed.returncode == 1
    assert failed.stderr == "Output: stdout cannot be written: No space left on device\n"


def test_a_key_for_a_pipe_without_a_reader_is_not_stored(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "API_KEYS_FILE": str(tmp_path / "keys.json")}
    command = [sys.executable, "-m", "app", "keys", "create", "--name", "unseen"]
    failed = subprocess.run(
        command,
        env=environment,
        cwd=tmp_path,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(writer)
    assert failed.returncode == 1
    assert failed.stderr == "Output: stdout cannot be written: Broken pipe\n"
    assert not (tmp_path / "keys.json").exists()
