"""The folder of records: files of lines, begun by size and age; the oldest are deleted when there are too many."""

import logging
import os
import secrets
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.records.files import JSON_LINES, SUFFIXES

if sys.platform != "win32":
    import fcntl

FOLDER_MODE = 0o700
FILE_MODE = 0o600
CHECK_SECONDS = 1.0
"""Seconds between two checks that the open file has not been deleted."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds of the files."""

    file_bytes: int
    """Size from which a new file begins."""
    file_seconds: float
    """Age from which a new file begins."""
    disk_bytes: int
    """Maximum size of all files together, those of other processes included."""


class LineWriter:
    """Appends lines to files in a folder. For one thread.

    A file is locked as long as it is written, so that other processes leave it alone; the lock of a process that was
    killed is gone.
    """

    def __init__(
        self,
        folder: Path,
        kind: str,
        bounds: Bounds,
        on_closed: Callable[[], None] = lambda: None,
        on_deleted: Callable[[Path], None] = lambda path: None,
    ) -> None:
        """Initialize the writer; the folder and the first file are made with the first line.

        Args:
            folder: The folder.
            kind: Beginning of the files' names.
            bounds: Bounds of the files.
            on_closed: Called when a file is complete.
            on_deleted: Called before a file is deleted to make room.
        """
        self._folder, self._kind, self._bounds = folder, kind, bounds
        self._on_closed, self._on_deleted = on_closed, on_deleted
        self._path = folder
        self._descriptor = -1
        self._size = 0
        self._begun = self._checked = 0.0

    def write(self, data: bytes) -> None:
        """Append whole lines, or none of them.

        Args:
            data: Lines with their ends.

        Raises:
            OSError: If they cannot be written, such as on a full disk.
        """
        self.check()
        if self._descriptor >= 0 and self._size + len(data) > self._bounds.file_bytes:
            self.close()
        if self._descriptor < 0:
            self._open()
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:
            self._undo()
            raise
        self._size += len(data)

    def check(self) -> None:
        """Close the file if it is old enough, or has been deleted."""
        now = time.monotonic()
        if self._descriptor < 0 or now - self._checked < CHECK_SECONDS:
            return
        self._checked = now
        if now - self._begun >= self._bounds.file_seconds or not self._exists():
            self.close()

    def close(self) -> None:
        """Complete the file, so that the next line begins another one."""
        if self._descriptor < 0:
            return
        descriptor, self._descriptor = self._descriptor, -1
        try:
            if not self._size:
                self._path.unlink(missing_ok=True)
            os.fsync(descriptor)
        except OSError as error:
            _log.warning("%s may be lost if the machine fails: %s", self._path, error.strerror)
        finally:
            os.close(descriptor)
        self._on_closed()

    def make_room(self) -> None:
        """Delete the oldest files until the rest, and what may yet be written to the open ones, is within the bound."""
        closed: list[tuple[str, Path, int]] = []
        total = 0
        for path in self._folder.glob(f"{self._kind}*"):
            if not path.name.endswith(SUFFIXES):
                continue
            try:
                size = path.stat().st_size
                if is_locked(path):
                    total += max(size, self._bounds.file_bytes)
                    continue
            except OSError:  # deleted meanwhile
                continue
            closed.append((path.name, path, size))
            total += size
        for _, path, size in sorted(closed):
            if total <= self._bounds.disk_bytes:
                return
            self._on_deleted(path)
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                _log.warning("%s cannot be deleted: %s", path, error.strerror)
                continue
            total -= size

    def _open(self) -> None:
        make_folder(self._folder)
        name = f"{self._kind}{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(4)}{JSON_LINES}"
        path = self._folder / name
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, FILE_MODE)
        try:
            lock(descriptor)
        except OSError:
            os.close(descriptor)
            raise
        self._path, self._descriptor, self._size = path, descriptor, 0
        self._begun = self._checked = time.monotonic()
        self.make_room()

    def _undo(self) -> None:
        """Remove the part of a line that was written."""
        try:
            os.ftruncate(self._descriptor, self._size)
        except OSError:  # the reader skips it
            self.close()

    def _exists(self) -> bool:
        try:
            status = self._path.stat()
        except OSError:
            return False
        return status.st_ino == os.fstat(self._descriptor).st_ino


def make_folder(folder: Path) -> None:
    """Make a folder that only this user can enter; one that exists keeps its mode.

    Raises:
        OSError: If it cannot be made.
    """
    if not folder.is_dir():
        folder.mkdir(FOLDER_MODE, parents=True, exist_ok=True)


def lock(descriptor: int) -> None:
    """Lock an open file for this process, without waiting.

    Raises:
        OSError: If another process has locked it.
    """
    if sys.platform != "win32":
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_locked(path: Path) -> bool:
    """Whether a process writes a file.

    Raises:
        OSError: If the file cannot be opened.
    """
    if sys.platform == "win32":
        return False
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
