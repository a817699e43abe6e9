"""The folder of records: private files, begun anew by size and age, never more than the disk may hold."""

import errno
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.records.folder import Bounds, LineWriter, is_locked

LINE = b"x" * 99 + b"\n"
MANY = Bounds(file_bytes=10**6, file_seconds=3600, disk_bytes=10**9)


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("records-*"))


def test_folder_and_files_are_private_and_the_name_tells_the_time(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "records"
    writer = LineWriter(folder, "records-", MANY)
    assert not folder.exists()
    writer.write(LINE)
    (path,) = files(folder)
    assert re.fullmatch(r"records-\d{8}T\d{6}Z-[0-9a-f]{8}\.jsonl", path.name)
    assert (folder.stat().st_mode & 0o777, path.stat().st_mode & 0o777) == (0o700, 0o600)
    assert path.read_bytes() == LINE
    assert is_locked(path)
    writer.close()
    assert not is_locked(path)


def test_a_file_that_is_full_or_old_is_followed_by_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[int] = []
    writer = LineWriter(tmp_path, "records-", Bounds(1_000, 60, 10**9), lambda: closed.append(1))
    for _ in range(25):
        writer.write(LINE)
    assert sorted(path.stat().st_size for path in files(tmp_path)) == [500, 1_000, 1_000]
    assert len(closed) == 2
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 61)
    writer.check()
    assert len(closed) == 3
    writer.write(LINE)
    assert len(files(tmp_path)) == 4


def test_the_oldest_files_make_room_and_open_ones_of_other_processes_stay(tmp_path: Path) -> None:
    other = LineWriter(tmp_path, "records-", MANY)
    other.write(LINE)
    (theirs,) = files(tmp_path)
    theirs.rename(tmp_path / "records-19990101T000000Z-open.jsonl")
    (tmp_path / "feedback-1.jsonl").write_bytes(bytes(10**5))
    for year in range(2000, 2010):
        (tmp_path / f"records-{year}0101T000000Z.jsonl").write_bytes(bytes(1_000))
    deleted: list[str] = []
    bounds = Bounds(1_000, 3600, 6_000)
    writer = LineWriter(tmp_path, "records-", bounds, on_deleted=lambda path: deleted.append(path.name))
    writer.write(LINE)
    left = [path.name[8:12] for path in files(tmp_path)]
    assert left[0] == "1999" and left[1:5] == ["2006", "2007", "2008", "2009"]  # two of the six are what is open
    assert [name[8:12] for name in deleted] == [str(year) for year in range(2000, 2006)]
    assert (tmp_path / "feedback-1.jsonl").exists()


def test_a_file_that_someone_deletes_is_followed_by_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.records.folder.CHECK_SECONDS", 0)
    writer = LineWriter(tmp_path, "records-", MANY)
    writer.write(LINE)
    (first,) = files(tmp_path)
    first.unlink()
    writer.write(LINE)
    (second,) = files(tmp_path)
    assert second != first and second.read_bytes() == LINE


FULL = """
import resource, sys
from pathlib import Path
from app.records.folder import Bounds, LineWriter
folder = Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (1_050, resource.RLIM_INFINITY))
writer = LineWriter(folder, "records-", Bounds(10**6, 3600, 10**9))
lost = 0
for number in range(20):
    try:
        writer.write(b"%04d" % number + b"x" * 95 + b"\\n")
    except OSError as error:
        lost += 1
        print(error.errno)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
writer.write(b"last" + b"x" * 95 + b"\\n")
print(lost)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="RLIMIT_FSIZE")
def test_a_line_that_does_not_fit_leaves_nothing_behind(tmp_path: Path) -> None:
    """With a limit on the size of a file, which is what a full disk is to a program."""
    child = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=True, cwd=os.getcwd()
    )
    assert child.stdout.split() == [str(errno.EFBIG)] * 10 + ["10"]
    (path,) = files(tmp_path)
    assert [line[:4] for line in path.read_text().splitlines()] == [*(f"{number:04d}" for number in range(10)), "last"]


def test_a_real_full_disk_drops_and_recovers(tmp_path: Path) -> None:
    """A file system of 64 KB in memory."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root can mount a file system")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(tmp_path)], capture_output=True)
    if mounted.returncode:
        pytest.skip("this sandbox mounts no file system")
    try:
        ballast = tmp_path / "ballast"
        ballast.write_bytes(bytes(40_000))
        writer = LineWriter(tmp_path, "records-", MANY)
        with pytest.raises(OSError, match="No space left") as caught:
            for _ in range(1_000):
                writer.write(LINE)
        assert caught.value.errno == errno.ENOSPC
        (path,) = files(tmp_path)
        written = path.stat().st_size
        assert written and written % 100 == 0
        ballast.unlink()
        writer.write(LINE)
        assert path.stat().st_size == written + 100
        writer.close()
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
