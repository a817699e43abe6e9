"""Files of JSON lines or Parquet that a program has written in a folder or a bucket: finding them and reading them."""

from __future__ import annotations

import glob
import gzip
import io
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

from app.errors import ObjectsError, RecordsError

if TYPE_CHECKING:
    from app.object_store import ObjectStore

S3 = "s3://"
JSON_LINES = ".jsonl"
GZIP = ".gz"
PARQUET = ".parquet"
SUFFIXES = (JSON_LINES, JSON_LINES + GZIP, PARQUET)
"""Ends of the names of files that are read in a folder."""
MAX_OBJECT = 2**30
"""Maximum size of an object that is read, bytes."""
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Source:
    """A file or an object."""

    name: str
    """Path, or address that begins with ``s3://``."""
    size: int
    """Its size, bytes."""
    store: ObjectStore | None = None
    """The bucket of an object."""

    @property
    def is_parquet(self) -> bool:
        """Whether the file is a Parquet file; otherwise it has JSON lines."""
        return self.name.endswith(PARQUET)

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Open the file, decompressed if its name ends in ``.gz``.

        Raises:
            RecordsError: If the file cannot be opened.
        """
        try:
            raw = self._open()
        except ObjectsError as error:
            raise RecordsError(str(error)) from None
        except OSError as error:
            raise RecordsError(f"{self.name}: cannot be read: {error.strerror}") from None
        with raw:
            if self.name.endswith(GZIP):
                with gzip.open(raw) as file:
                    yield cast(IO[bytes], file)
            else:
                yield raw

    def _open(self) -> IO[bytes]:
        if self.store is None:
            return Path(self.name).open("rb")
        data = self.store.read(self.name.removeprefix(f"{S3}{self.store.bucket}/"), MAX_OBJECT)
        if data is None:
            raise RecordsError(f"{self.name}: no such object")
        return io.BytesIO(data)


def find_files(paths: Iterable[str | Path], kind: str, s3_endpoint: str = "") -> list[Source]:
    """Find files.

    Args:
        paths: Files, folders, patterns with ``*``, or ``s3://bucket/prefix``. Of a folder or a prefix, the files count
            whose names begin with the kind and end as `SUFFIXES` says, in folders within it as well.
        kind: Beginning of the names, such as ``records-``.
        s3_endpoint: Address of an S3-compatible store; empty: AWS.

    Returns:
        The files without duplicates, in the order of the paths, and of their names within a path. A file of JSON lines
        of which there is a Parquet file with the same name beside it is left out: it has the same contents.

    Raises:
        RecordsError: If a path does not exist or cannot be listed, or a pattern or a prefix matches nothing.
    """
    found: dict[str, Source] = {}
    for path in paths:
        for source in _find(str(path), kind, s3_endpoint):
            found.setdefault(source.name, source)
    converted = {name.removesuffix(PARQUET) for name in found if name.endswith(PARQUET)}
    return [source for name, source in found.items() if name.removesuffix(JSON_LINES) not in converted]


def _find(path: str, kind: str, s3_endpoint: str) -> list[Source]:
    if path.startswith(S3):
        return _find_objects(path, kind, s3_endpoint)
    try:
        if Path(path).is_dir():
            return sorted(
                (_source(each) for each in Path(path).rglob(f"{kind}*") if _is_ours(each.name, kind)), key=_key
            )
        if Path(path).exists() or not glob.has_magic(path):
            return [_source(Path(path))]
        matches = sorted((_source(each) for each in map(Path, glob.glob(path)) if each.is_file()), key=_key)
    except OSError as error:
        raise RecordsError(f"{path}: cannot be read: {error.strerror}") from None
    if not matches:
        raise RecordsError(f"{path}: matches no file")
    return matches


def _find_objects(address: str, kind: str, s3_endpoint: str) -> list[Source]:
    from app.object_store import ObjectStore

    bucket, _, prefix = address.removeprefix(S3).partition("/")
    try:
        store = ObjectStore(bucket, s3_endpoint)
        if prefix.endswith(SUFFIXES):
            return [Source(address, 0, store)]
        objects = store.objects(prefix.rstrip("/"))
    except ObjectsError as error:
        raise RecordsError(str(error)) from None
    found = [
        Source(f"{S3}{bucket}/{key}", size, store) for key, size in objects if _is_ours(key.rpartition("/")[2], kind)
    ]
    if not found:
        raise RecordsError(f"{address}: has no files that begin with {kind}")
    return sorted(found, key=_key)


def _source(path: Path) -> Source:
    return Source(str(path), path.stat().st_size)


def _key(source: Source) -> tuple[str, str]:
    return source.name.rpartition("/")[2], source.name


def _is_ours(name: str, kind: str) -> bool:
    return name.startswith(kind) and name.endswith(SUFFIXES)


def read_lines(source: Source) -> Iterator[bytes]:
    """Read the lines of a file of JSON lines, without their ends; the last one may be incomplete.

    Args:
        source: The file. What follows damaged compressed data is left out, with an empty line in its place.

    Raises:
        RecordsError: If the file cannot be read.
    """
    with source.open() as file:
        try:
            for line in file:
                yield line.rstrip(b"\r\n")
        except (EOFError, zlib.error, gzip.BadGzipFile):
            yield b""
        except OSError as error:
            raise RecordsError(f"{source.name}: cannot be read: {error.strerror}") from None


def read_rows(source: Source, batch: int = 4096) -> Iterator[dict[str, Any]]:
    """Read the rows of a Parquet file.

    Args:
        source: The file.
        batch: Number of rows that are held at a time.

    Raises:
        RecordsError: If pyarrow is missing, or the file is no Parquet file.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ModuleNotFoundError:
        raise RecordsError(f"{source.name}: Parquet needs the package pyarrow, which is not installed here") from None
    with source.open() as file:
        try:
            for rows in parquet.ParquetFile(file).iter_batches(batch):
                yield from rows.to_pylist()
        except (pyarrow.ArrowException, OSError):
            raise RecordsError(f"{source.name}: is not a Parquet file, or is damaged") from None
