"""Files that several processes change."""

import threading
from pathlib import Path

import pytest

from app.shared_file import locked, replace


def test_changes_wait_for_each_other(tmp_path: Path) -> None:
    path = tmp_path / "count"
    path.write_text("0")

    def add() -> None:
        for _ in range(20):
            with locked(path):
                replace(path, str(int(path.read_text()) + 1))

    threads = [threading.Thread(target=add) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() == "60"


def test_a_new_file_is_private_and_another_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "file"
    replace(path, "new")
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    replace(path, "newer")
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_file_that_cannot_be_written_is_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "file"
    replace(path, "before")
    with pytest.raises(UnicodeEncodeError):
        replace(path, "\ud800")
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]
