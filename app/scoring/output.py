"""The output: files in a folder or a bucket, each of which appears as a whole or not at all."""

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.bundle.store import flush_folder
from app.errors import ObjectsError, ScoringError
from app.object_store import ObjectStore
from app.scoring.layout import ERRORS, MANIFEST, PART, PREDICTIONS, RECEIPTS
from app.scoring.sources import S3

MAX_BYTES = 1 << 30
"""Maximum size of a file that is read as a whole, such as the manifest."""
_BINARY = "application/octet-stream"
_FOLDERS = (PREDICTIONS, ERRORS, RECEIPTS)


@dataclass(slots=True)
class Staged:
    """A file that is being written."""

    name: str
    """The name that it gets."""
    path: Path
    """Where it is written."""
    is_wanted: bool = True
    """Whether it gets its name in the end; otherwise no file of that name is left."""


@dataclass(frozen=True, slots=True)
class Output:
    """Where the output goes."""

    address: str
    """Path of a folder, or ``s3://bucket/prefix``."""
    endpoint: str = ""
    """Address of the S3-compatible store; empty: AWS."""

    @property
    def folder(self) -> Path | None:
        """The folder; None if the output goes to a bucket."""
        return None if self.address.startswith(S3) else Path(self.address)

    @contextmanager
    def stage(self, name: str) -> Iterator[Staged]:
        """Let a file be written under another name, and give it its name once it is complete.

        Args:
            name: Name of the file, with ``/`` between folders.

        Yields:
            The file to write.

        Raises:
            ScoringError: If it cannot be written.
        """
        try:
            if self.folder is None:
                with tempfile.TemporaryDirectory(prefix="beer-model-score-") as folder:
                    staged = Staged(name, Path(folder) / "part")
                    yield staged
                    if not staged.is_wanted:
                        self.delete(name)
                        return
                    store, key = self._bucket(name)
                    store.write(key, staged.path, _BINARY)
                return
            target = self.folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            staged = Staged(name, target.with_name(f".{target.name}.{os.getpid()}-{secrets.token_hex(4)}{PART}"))
            try:
                yield staged
                if not staged.is_wanted:
                    self.delete(name)
                    return
                with staged.path.open("rb") as file:
                    os.fsync(file.fileno())
                staged.path.replace(target)
                flush_folder(target.parent)
            finally:
                staged.path.unlink(missing_ok=True)
        except ObjectsError as error:
            raise ScoringError(str(error)) from None
        except OSError as error:
            raise ScoringError(f"{self.address}/{name}: cannot be written: {error.strerror or error}") from None

    def write(self, name: str, data: bytes) -> None:
        """Write a file as a whole; see `stage`."""
        with self.stage(name) as staged:
            staged.path.write_bytes(data)

    def read(self, name: str) -> bytes | None:
        """Read a file; None if it does not exist.

        Raises:
            ScoringError: If it cannot be read.
        """
        try:
            if self.folder is None:
                store, key = self._bucket(name)
                return store.read(key, MAX_BYTES)
            return (self.folder / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except ObjectsError as error:
            raise ScoringError(str(error)) from None
        except OSError as error:
            raise ScoringError(f"{self.address}/{name}: cannot be read: {error.strerror}") from None

    def sizes(self) -> dict[str, int]:
        """Return the size of each file of a run, bytes, by name; the folder may have others.

        Raises:
            ScoringError: If the files cannot be listed.
        """
        try:
            if self.folder is None:
                store, prefix = self._bucket("")
                objects = [each for name in _FOLDERS for each in store.objects(f"{prefix}{name}")]
                if (described := store.describe(f"{prefix}{MANIFEST}")) is not None:
                    objects.append((f"{prefix}{MANIFEST}", described[0]))
                return {key.removeprefix(prefix): size for key, size in objects}
            found = [path for name in _FOLDERS for path in (self.folder / name).rglob("*")]
            found += [self.folder / MANIFEST, *self.folder.glob(f".{MANIFEST}.*{PART}")]
            inside = [path for path in found if path.is_file()]
            return {path.relative_to(self.folder).as_posix(): path.stat().st_size for path in inside}
        except ObjectsError as error:
            raise ScoringError(str(error)) from None
        except OSError as error:
            raise ScoringError(f"{self.address}: cannot be listed: {error.strerror}") from None

    def delete(self, name: str) -> None:
        """Delete a file; nothing happens if it does not exist.

        Raises:
            ScoringError: If it cannot be deleted.
        """
        try:
            if self.folder is None:
                store, key = self._bucket(name)
                store.delete(key)
            else:
                (self.folder / name).unlink(missing_ok=True)
        except ObjectsError as error:
            raise ScoringError(str(error)) from None
        except OSError as error:
            raise ScoringError(f"{self.address}/{name}: cannot be deleted: {error.strerror}") from None

    def _bucket(self, name: str) -> tuple[ObjectStore, str]:
        bucket, _, prefix = self.address.removeprefix(S3).rstrip("/").partition("/")
        if not bucket:
            raise ScoringError(f"{self.address}: names no bucket")
        return ObjectStore(bucket, self.endpoint), f"{prefix}/{name}" if prefix else name
