"""The store of labels: files of lines in a folder that all worker processes share.

Processes take turns by a lock on a file beside the labels. Whoever has the turn reads what the others have added, so
that a label that comes twice is stored once, whichever process it reaches, and after a restart.
"""

import errno
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic_core import from_json

from app.bundle.store import flush_folder
from app.errors import LabelsUnavailable
from app.labels.label import Label, to_line
from app.labels.reading import KIND

if sys.platform != "win32":  # where a program has no workers
    import fcntl

LOCK = "feedback.lock"
TURN_SECONDS = 5.0
"""Maximum number of seconds to wait for the other processes' turns."""
PARTS = 16
"""Number of files that the bounds are divided among: so much of the labels is deleted at once."""
FILE_MODE = 0o600
FOLDER_MODE = 0o700
_FLAGS: int = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
"""The latter is of Windows, which would write two bytes for a line break."""
_POLL_SECONDS = 0.005
_NAME = re.compile(rf"{KIND}(\d{{8}})-\d{{8}}T\d{{6}}Z\.jsonl")
_NO_ROOM = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds of the labels that are kept. The oldest are deleted, a file at a time."""

    labels: int
    """Maximum number of labels."""
    disk_bytes: int
    """Maximum size of the files together."""
    days: float
    """Age from which labels are deleted."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A label that is to be stored."""

    label: Label
    replaces: bool = False
    """Whether it may take the place of another one with the same id."""


class Outcome(Enum):
    """The outcome of an offer."""

    STORED = "stored"
    REPLACED = "replaced"
    REPEATED = "repeated"
    CONFLICT = "conflict"
    """There is another label with the same id."""


@dataclass(slots=True)
class _File:
    """A file of labels, as far as it has been read."""

    path: Path
    number: int
    size: int = 0
    """Bytes of the lines that were read."""
    modified: float = 0.0
    contents: dict[bytes, bytes] = field(default_factory=dict)
    """Digest of the contents of each label by the digest of its id; of labels with one id, of the latest."""
    labels: int = 0
    """Number of lines."""
    begun: float = 0.0
    """Time of the first label, seconds since the epoch."""


class LabelStore:
    """Stores labels durably. For one thread of each process."""

    def __init__(self, folder: Path, bounds: Bounds) -> None:
        """Initialize the store; nothing is read or written yet.

        Args:
            folder: The folder, which the first label makes.
            bounds: How much is kept.
        """
        self._folder = folder
        self._bounds = bounds
        self._files: dict[str, _File] = {}

    def add(self, offers: Sequence[Offer]) -> list[Outcome]:
        """Store labels: all that can be, with one write, or none. They are on the disk when this returns.

        Args:
            offers: The labels.

        Returns:
            The outcome of each.

        Raises:
            LabelsUnavailable: If the folder cannot be written, such as on a full disk; nothing is kept then.
        """
        try:
            _make_folder(self._folder)
            with self._turn():
                self._catch_up()
                return self._add(offers)
        except OSError as error:
            raise LabelsUnavailable(error.strerror or type(error).__name__) from None

    def check(self) -> None:
        """Make the folder, and check that it can be written; a disk that is full now may have room later.

        Raises:
            OSError: If it cannot be written.
        """
        try:
            _make_folder(self._folder)
            with self._turn():
                pass
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise

    def _add(self, offers: Sequence[Offer]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        added: dict[bytes, bytes] = {}
        lines: list[bytes] = []
        for offer in offers:
            key, contents = _digest(offer.label.id), _contents(offer.label.ibu, offer.label.note)
            known = added.get(key) or self._known(key)
            if known == contents:
                outcomes.append(Outcome.REPEATED)
            elif known is not None and not offer.replaces:
                outcomes.append(Outcome.CONFLICT)
            else:
                outcomes.append(Outcome.STORED if known is None else Outcome.REPLACED)
                added[key] = contents
                lines.append(to_line(offer.label))
        if lines:
            self._append(b"".join(lines), added, len(lines))
            self._delete_old()
        return outcomes

    def _known(self, key: bytes) -> bytes | None:
        """Digest of the contents of the latest label with an id."""
        for file in reversed(self._files.values()):
            if key in file.contents:
                return file.contents[key]
        return None

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait until no other process adds labels.

        Raises:
            OSError: If there is no lock, or another process holds it for too long.
        """
        descriptor = os.open(self._folder / LOCK, os.O_RDWR | os.O_CREAT | _FLAGS, FILE_MODE)
        try:
            deadline = time.monotonic() + TURN_SECONDS
            while not _take(descriptor):
                if time.monotonic() > deadline:
                    raise TimeoutError(errno.ETIMEDOUT, "another process has its turn for too long")
                time.sleep(_POLL_SECONDS)
            yield
        finally:
            os.close(descriptor)  # which ends the turn, as the end of the process would

    def _catch_up(self) -> None:
        """Read what other processes have added, and forget what they have deleted."""
        present: dict[str, _File] = {}
        with os.scandir(self._folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
        for entry in found:
            if match := _NAME.fullmatch(entry.name):
                file = self._files.get(entry.name) or _File(Path(entry.path), int(match[1]))
                status = entry.stat()
                if status.st_size < file.size:  # somebody has cut it
                    file = _File(file.path, file.number)
                if status.st_size > file.size:
                    _read_on(file)
                file.modified = status.st_mtime
                present[entry.name] = file
        self._files = present

    def _append(self, data: bytes, added: dict[bytes, bytes], count: int) -> None:
        now = time.time()
        file = next(reversed(self._files.values()), None)
        if file is None or self._is_complete(file, len(data), count, now):
            number = file.number + 1 if file else 1
            path = self._folder / f"{KIND}{number:08d}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.jsonl"
            file = _File(path, number, begun=now)
        _write(file.path, file.size, data)
        self._files[file.path.name] = file
        file.size += len(data)
        file.modified = now
        file.labels += count
        file.contents |= added

    def _is_complete(self, file: _File, size: int, count: int, now: float) -> bool:
        bounds = self._bounds
        return (
            file.size + size > bounds.disk_bytes // PARTS
            or file.labels + count > max(1, bounds.labels // PARTS)
            or now - file.begun > timedelta(days=bounds.days).total_seconds() / PARTS
        )

    def _delete_old(self) -> None:
        """Delete the oldest files but the last one, until the rest is within the bounds."""
        files = list(self._files.values())
        size, labels = sum(file.size for file in files), sum(file.labels for file in files)
        oldest = time.time() - timedelta(days=self._bounds.days).total_seconds()
        for file in files[:-1]:
            if size <= self._bounds.disk_bytes and labels <= self._bounds.labels and file.modified >= oldest:
                return
            file.path.unlink(missing_ok=True)
            del self._files[file.path.name]
            size -= file.size
            labels -= file.labels


def _take(descriptor: int) -> bool:
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(FOLDER_MODE, parents=True, exist_ok=True)


def _read_on(file: _File) -> None:
    """Read the whole lines that were added to a file."""
    with file.path.open("rb") as lines:
        lines.seek(file.size)
        for line in lines:
            if not line.endswith(b"\n"):  # of a process that was killed: `_write` removes it
                return
            file.size += len(line)
            file.labels += 1
            try:
                value: Any = from_json(line)
                if not file.begun:
                    file.begun = datetime.fromisoformat(value["time"]).timestamp()
                file.contents[_digest(value["id"])] = _contents(float(value["ibu"]), value.get("note"))
            except (ValueError, TypeError, KeyError, AttributeError):  # no label; readers skip it as well
                continue


def _write(path: Path, size: int, data: bytes) -> None:
    """Append to the whole lines of a file, or leave it as it is. The data are on the disk when this returns.

    Args:
        path: The file; it is made if it does not exist.
        size: Size of its whole lines.
        data: Whole lines.

    Raises:
        OSError: If the data cannot be written; no part of them is kept.
    """
    is_new = not path.exists()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | _FLAGS, FILE_MODE)
    try:
        if os.fstat(descriptor).st_size > size:
            os.ftruncate(descriptor, size)
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
            os.fsync(descriptor)
            if is_new:
                flush_folder(path.parent)
        except OSError:
            with suppress(OSError):
                os.ftruncate(descriptor, size)
                if is_new:
                    path.unlink(missing_ok=True)
            raise
    finally:
        os.close(descriptor)


def _digest(text: str) -> bytes:
    return sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]


def _contents(ibu: float, note: str | None) -> bytes:
    """Digest of what may differ between labels with one id."""
    return _digest(f"{ibu!r} {note!r}")
