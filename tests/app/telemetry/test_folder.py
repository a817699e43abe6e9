"""The folder of the shared counters: removed after the last process, and no other path with it."""

from pathlib import Path

import pytest

from app.telemetry.folder import PREFIX, make_folder, remove_if_abandoned
from app.telemetry.metrics import Registry


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of temporary folders."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_the_last_process_to_leave_removes_the_folder(temporary: Path) -> None:
    folder = make_folder()
    one, other = Registry(folder), Registry(folder)
    one.leave()
    assert folder.exists()
    other.leave()
    assert not folder.exists()


def test_new_folders_and_other_paths_stay(temporary: Path) -> None:
    new, file, text = make_folder(), temporary / f"{PREFIX}file", temporary / f"{PREFIX}text"
    file.write_text("a file")
    text.mkdir()
    (text / "notes.txt").write_text("notes")
    (new / "1.counters").touch()  # created, and not locked yet
    (temporary / f"{PREFIX}link").symlink_to(text)
    make_folder()
    assert all(path.exists() for path in (new, file, text / "notes.txt"))
    assert not remove_if_abandoned(temporary / "nowhere")


def test_the_next_program_removes_the_folder_of_a_killed_one(temporary: Path) -> None:
    abandoned = make_folder()
    Registry(abandoned)._counters.release()  # as the kernel does at the end of a process
    make_folder()
    assert not abandoned.exists()
