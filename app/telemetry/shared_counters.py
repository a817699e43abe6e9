"""Shared counters: the values of one process in a memory-mapped file, which the other processes of a program read.

The file describes itself, so that a process can read another's file at any time: a header (format, number of values,
length of the directory), the values as doubles, and the directory, which has one line of text for each value and only
grows. An update is one store to memory: no lock, no system call, and the value survives if the process is killed.
"""

import mmap
import os
import struct
import sys
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


class SharedCounters:
    """The values of this process, each with a line of text that names it."""

    def __init__(self, file: int | None = None) -> None:
        """Initialize the shared counters.

        Args:
            file: Descriptor of an open, locked file; anonymous memory by default. Untouched pages use no memory.
        """
        self._file = file
        if file is not None and os.fstat(file).st_size == 0:
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

    def add(self, lines: Sequence[str]) -> int:
        """Allocate consecutive slots, whose values are 0.

        Args:
            lines: Name of each value, at most `SPILL` of them.

        Returns:
            The first slot; 0, which is never read, if there is no room.
        """
        text = "".join(f"{line}\n" for line in lines).encode()
        slot = SPILL + self._used
        start = _DIRECTORY + self._written
        if slot + len(lines) > CAPACITY or start + len(text) > _SIZE:
            return 0
        self._memory[slice(start, start + len(text))] = text
        self._used += len(lines)
        self._written += len(text)
        self._save_header()  # last: readers rely on the header
        return slot

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
    names = memory[slice(_DIRECTORY, _DIRECTORY + written)].decode().split("\n")[:used]
    values = np.frombuffer(memory, np.float64, used, _VALUES + 8 * SPILL).tolist()
    return list(zip(names, values, strict=True))


def claim(folder: Path) -> SharedCounters:
    """Lock a file in a folder that several processes share.

    The file of a process that has ended is taken over with its values: totals never decrease, and there are no more
    files than there were processes at the same time. The kernel releases the lock when the process ends.

    Args:
        folder: The shared folder, which is created if it does not exist.

    Returns:
        The shared counters in the file, which stays locked as long as this process lives.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    number = 0
    while True:
        number += 1
        file = os.open(folder / f"{number}{SUFFIX}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            continue
        if os.fstat(file).st_size in (0, _SIZE):
            return SharedCounters(file)
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
