"""Shared counters: the values of one process in a memory-mapped file, which the other processes of a program read.

The file describes itself, so that a process can read another's file at any time: a header (format, number of values,
length of the directory), the values as doubles, and the directory, which has one line of text for each value. An update
is one store to memory: no lock, no system call, and the value survives if the process is killed. Space in the file is
set aside before it is used: a store to a page that a full file system cannot provide would end the process (SIGBUS).
"""

import mmap
import os
import struct
import sys
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

if sys.platform != "win32":  # on Windows, processes cannot share a folder
    import fcntl

CAPACITY = 32_768
"""Number of values in a file."""
SPILL = 64
"""Number of slots at the beginning that are never read: series that do not fit get slot 0."""
SUFFIX = ".counters"

_HEADER = struct.Struct("<8sQQ")
_MAGIC = b"beercnt1"
_VALUES = 64
_DIRECTORY = _VALUES + 8 * CAPACITY
_SIZE = _DIRECTORY + 128 * CAPACITY
_STEP = 65_536
"""Bytes of the directory that are set aside at once."""
_LINE = 16
"""Lines are padded to a multiple of this length in bytes, so that one can take the place of another."""


class SharedCounters:
    """The values of this process, each with a line of text that names it."""

    def __init__(self, file: int | None = None) -> None:
        """Initialize the shared counters.

        Args:
            file: Descriptor of an open, locked file; anonymous memory by default. Untouched pages use no memory.

        Raises:
            OSError: If the file system has no room for the file.
        """
        self._file = file
        self._reserved = 0
        if file is not None and os.fstat(file).st_size == 0:
            self._reserve(_DIRECTORY + _STEP)
            os.ftruncate(file, _SIZE)
        self._memory = mmap.mmap(-1 if file is None else file, _SIZE)
        self.values = memoryview(self._memory)[_VALUES:_DIRECTORY].cast("d")
        """The values by slot, for updates of single values."""
        self.array: NDArray[np.float64] = np.frombuffer(self._memory, np.float64, CAPACITY, _VALUES)
        """The values by slot as an array, for updates of many values at once."""
        self._used: int
        self._written: int
        magic, self._used, self._written = _HEADER.unpack_from(self._memory)
        if magic != _MAGIC:
            self._used = self._written = 0
            self._save_header()
        self._starts = array("Q")
        """Where the line of each slot starts, from slot `SPILL` on."""
        start = _DIRECTORY
        for line in _names(self._memory, self._used, self._written):
            self._starts.append(start)
            start += len(line.encode()) + 1

    def add(self, lines: Sequence[str]) -> int:
        """Allocate consecutive slots, whose values are 0.

        Args:
            lines: Name of each value, at most `SPILL` of them.

        Returns:
            The first slot; 0, which is never read, if there is no room.
        """
        padded = [_padded(line) for line in lines]
        text = b"".join(padded)
        slot = SPILL + self._used
        start = _DIRECTORY + self._written
        if slot + len(lines) > CAPACITY or start + len(text) > _SIZE or not self._has_room(start + len(text)):
            return 0
        for line in padded:
            self._starts.append(_DIRECTORY + self._written)
            self._written += len(line)
        self._memory[slice(start, start + len(text))] = text
        self._used += len(lines)
        self._save_header()  # last: readers rely on the header
        return slot

    def line(self, slot: int) -> str:
        """Return the name of a slot."""
        start = self._starts[slot - SPILL]
        return self._memory[slice(start, self._memory.find(b"\n", start))].decode().rstrip(" ")

    def replace(self, slot: int, line: str) -> None:
        """Give a slot, whose series is gone, to another series; its value becomes 0.

        Args:
            slot: A slot that `add` returned.
            line: Name of the new value, for which `room_of` is the same as for the old name.
        """
        start = self._starts[slot - SPILL]
        text = _padded(line)
        self.values[slot] = 0.0
        self._memory[slice(start, start + len(text))] = text

    def _has_room(self, end: int) -> bool:
        try:
            self._reserve(end)
        except OSError:
            return False
        return True

    def _reserve(self, end: int) -> None:
        """Set aside the space of the file up to this position."""
        if self._file is None or end <= self._reserved:
            return
        end = min(_DIRECTORY - (_DIRECTORY - end) // _STEP * _STEP, _SIZE)
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(self._file, 0, end)
        elif not os.fstat(self._file).st_size:  # macOS
            os.pwrite(self._file, bytes(_SIZE), 0)
        self._reserved = end

    def _save_header(self) -> None:
        _HEADER.pack_into(self._memory, 0, _MAGIC, self._used, self._written)

    def lines(self) -> list[tuple[str, float]]:
        """Return the name and the value of each slot, from slot `SPILL` on."""
        return _read(self._memory)

    def release(self) -> None:
        """Unlock the file, so that another process may take it over; later updates may be lost."""
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def is_file(self, status: os.stat_result) -> bool:
        """Return whether the values are in the file with this status."""
        return self._file is not None and os.path.samestat(os.fstat(self._file), status)


def _read(memory: mmap.mmap | bytes) -> list[tuple[str, float]]:
    magic, used, written = _HEADER.unpack_from(memory)
    if magic != _MAGIC:
        return []
    names = [line.rstrip(" ") for line in _names(memory, used, written)]
    values = np.frombuffer(memory, np.float64, used, _VALUES + 8 * SPILL).tolist()
    return list(zip(names, values, strict=True))


def _names(memory: mmap.mmap | bytes, used: int, written: int) -> list[str]:
    return memory[slice(_DIRECTORY, _DIRECTORY + written)].decode().split("\n")[:used]


def _padded(line: str) -> bytes:
    text = line.encode()
    return text + b" " * (-(len(text) + 1) % _LINE) + b"\n"


def room_of(line: str) -> int:
    """Return the number of bytes that a name takes."""
    return len(_padded(line))


def claim(folder: Path) -> SharedCounters:
    """Lock a file in a folder that several processes share.

    The file of a process that has ended is taken over with its values: totals never decrease, and there are no more
    files than there were processes at the same time. The kernel releases the lock when the process ends.

    Args:
        folder: The shared folder, which is created if it does not exist.

    Returns:
        The shared counters in the file, which stays locked as long as this process lives.

    Raises:
        OSError: If the file cannot be created, or the file system has no room for it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    number = 0
    while True:
        number += 1
        path = folder / f"{number}{SUFFIX}"
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            continue
        if os.fstat(file).st_size in (0, _SIZE):
            try:
                return SharedCounters(file)
            except OSError:
                path.unlink()
                os.close(file)
                raise
        os.close(file)  # of another program or version


def others(folder: Path, own: SharedCounters) -> Iterator[tuple[list[tuple[str, float]], bool]]:
    """Yield the values of the other processes that share a folder.

    Args:
        folder: The shared folder; see `claim`.
        own: The counters of this process, which are skipped.

    Yields:
        Names and values as in `SharedCounters.lines`, and whether the process is alive.
    """
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if status.st_size != _SIZE or own.is_file(status):
                continue
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                alive = False
            except BlockingIOError:
                alive = True
            with mmap.mmap(file.fileno(), _SIZE, access=mmap.ACCESS_READ) as memory:
                lines = _read(memory)
        yield lines, alive
