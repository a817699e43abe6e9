"""The folder of sheets: removed with the last process that counted in it, and never what is not one."""

from pathlib import Path

import pytest

from app.telemetry.folder import PREFIX, make_folder, remove_if_abandoned
from app.telemetry.metrics import Registry


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_the_last_that_leaves_removes_it(place: Path) -> None:
    folder = make_folder()
    one, other = Registry(folder), Registry(folder)
    one.leave()
    assert folder.exists()
    other.leave()
    assert not folder.exists()


def test_a_folder_that_is_new_or_no_folder_of_sheets_is_let_be(place: Path) -> None:
    new, file, text = make_folder(), place / f"{PREFIX}file", place / f"{PREFIX}text"
    file.write_text("a file")
    text.mkdir()
    (text / "notes.txt").write_text("notes")
    (new / "1.sheet").touch()  # made, and not locked yet
    (place / f"{PREFIX}link").symlink_to(text)
    make_folder()
    assert all(path.exists() for path in (new, file, text / "notes.txt"))
    assert not remove_if_abandoned(place / "nowhere")


def test_what_a_dead_process_left_goes_when_another_starts(place: Path) -> None:
    left = make_folder()
    Registry(left)._counters.release()  # as the kernel does at a process' end
    make_folder()
    assert not left.exists()
