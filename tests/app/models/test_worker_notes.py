"""The notes of workers: what one writes, another reads; only one tries a version at a time."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from app.models.worker_notes import WorkerNotes
from tests.live.program import environment

MARK = f"{'a' * 64} {'b' * 64}"


def test_what_one_worker_writes_another_reads(tmp_path: Path) -> None:
    one, two = WorkerNotes(tmp_path), WorkerNotes(tmp_path)
    assert (two.active("beer-ibu"), two.verified("beer-ibu")) == (None, "")
    one.set_active("beer-ibu", "7")
    one.set_verified("beer-ibu", MARK)
    assert (two.active("beer-ibu"), two.verified("beer-ibu"), two.active("iris")) == ("7", MARK, None)


def test_without_other_workers_nothing_is_noted() -> None:
    alone = WorkerNotes()
    alone.set_active("beer-ibu", "7")
    with alone.turn():
        assert alone.active("beer-ibu") is None


def test_a_folder_that_is_gone_costs_a_line_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    notes = WorkerNotes(tmp_path / "gone")
    notes.set_active("beer-ibu", "7")
    with notes.turn():
        assert notes.active("beer-ibu") is None
    assert "new workers will not know the state of the models" in caplog.text


@pytest.mark.parametrize("content", [b"../1", b"\xff", b"1" * 300, b""])
def test_a_damaged_note_is_no_note(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "active-beer-ibu").write_bytes(content)
    assert WorkerNotes(tmp_path).active("beer-ibu") is None


def test_a_turn_waits_for_another_process_and_ends_with_it(tmp_path: Path) -> None:
    code = "import sys, time; from pathlib import Path; from app.models.worker_notes import WorkerNotes\n"
    code += "with WorkerNotes(Path(sys.argv[1])).turn(): print('taken', flush=True); time.sleep(60)"
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment()) as other:
        assert other.stdout and other.stdout.readline() == b"taken\n"
        killer = threading.Timer(0.5, other.kill)
        killer.start()
        started = time.monotonic()
        with WorkerNotes(tmp_path).turn():
            assert time.monotonic() - started > 0.4
        killer.join()
