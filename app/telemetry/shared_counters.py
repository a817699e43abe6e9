"""The sheet: one process' figures in a fixed piece of memory, in a file where several processes add up to one total.

A sheet says itself what its figures are, so that one process can read another's without knowing how far it has got:
a header (format, number of series, length of the directory), the values as doubles, then the directory, which holds
one line a value and only grows. Writing a figure is one store into memory: no lock, no system call, and what was
written stands in the file when the process is killed.
"""

import mmap
import os
import struct
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

if sys.platform != "win32":  # there, processes cannot share a folder
    import fcntl

CAPACITY = 32_768
"""Values a sheet has room for."""
SPILL = 64
"""Values at the sheet's beginning that stand for none: where series go that found no room."""
SUFFIX = ".sheet"

_HEADER = struct.Struct("<8sQQ")
_MAGIC = b"beersht1"
_VALUES = 64
_DIRECTORY = _VALUES + 8 * CAPACITY
_SIZE = _DIRECTORY + 128 * CAPACITY


class SharedCounters:
    """Figures of this process, with a line of text that names each."""

    def __init__(self, file: int | None = None) -> None:
        """Initialize the shared counters.

        Args:
            file: Descriptor of an open, locked file; anonymous memory by default. Untouched pages take no room.
        """
        self._file = file
        if file is not None and os.fstat(file).st_size == 0:
            os.ftruncate(file, _SIZE)
        self._memory = mmap.mmap(-1 if file is None else file, _SIZE)
        self.values = memoryview(self._memory)[_VALUES:_DIRECTORY].cast("d")
        """The values, for adding to one; see `add` for their places."""
        self.array: NDArray[np.float64] = np.frombuffer(self._memory, np.float64, CAPACITY, _VALUES)
        """The same values, for adding to many at once."""
        self._used: int
        self._written: int
        magic, self._used, self._written = _HEADER.unpack_from(self._memory)
        if magic != _MAGIC:
            self._used = self._written = 0
            self._save_header()

    def add(self, lines: Sequence[str]) -> int:
        """Make room for values, all 0 and next to each other.

        Args:
            lines: Names each value, at most `SPILL` of them.

        Returns:
            The first value's place; 0, where nothing is read, if the sheet is full.
        """
        text = "".join(f"{line}\n" for line in lines).encode()
        place = SPILL + self._used
        start = _DIRECTORY + self._written
        if place + len(lines) > CAPACITY or start + len(text) > _SIZE:
            return 0
        self._memory[slice(start, start + len(text))] = text
        self._used += len(lines)
        self._written += len(text)
        self._save_header()  # last: a reader believes the header
        return place

    def _save_header(self) -> None:
        _HEADER.pack_into(self._memory, 0, _MAGIC, self._used, self._written)

    def lines(self) -> list[tuple[str, float]]:
        """Each value's name and the value, in the order of their places from `SPILL` on."""
        return _read(self._memory)

    def release(self) -> None:
        """Let another process have the file; figures that are still added may be lost."""
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def is_file(self, status: os.stat_result) -> bool:
        """Whether this sheet lies in the file with this status."""
        return self._file is not None and os.path.samestat(os.fstat(self._file), status)


def _read(memory: mmap.mmap | bytes) -> list[tuple[str, float]]:
    magic, used, written = _HEADER.unpack_from(memory)
    if magic != _MAGIC:
        return []
    names = memory[slice(_DIRECTORY, _DIRECTORY + written)].decode().split("\n")[:used]
    values = np.frombuffer(memory, np.float64, used, _VALUES + 8 * SPILL).tolist()
    return list(zip(names, values, strict=True))


def claim(folder: Path) -> SharedCounters:
    """A sheet in a folder that several processes share.

    A sheet whose process has ended is taken over with its figures, so that totals never fall and there are never more
    files than there were processes at once. The lock is the kernel's: it ends with the process, however that ends.

    Args:
        folder: Made where it is missing.

    Returns:
        The sheet, locked for as long as this process lives.
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
        os.close(file)  # not ours, or of another program version


def others(folder: Path, own: SharedCounters) -> Iterator[tuple[list[tuple[str, float]], bool]]:
    """The figures of the other processes that share a folder.

    Args:
        folder: See `claim`.
        own: This process' sheet, which is left out.

    Yields:
        Names and values, see `SharedCounters.lines`, and whether the process still lives.
    """
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if status.st_size != _SIZE or own.is_file(status):
                continue
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                lives = False
            except BlockingIOError:
                lives = True
            with mmap.mmap(file.fileno(), _SIZE, access=mmap.ACCESS_READ) as memory:
                lines = _read(memory)
        yield lines, lives
