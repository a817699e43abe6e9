"""The files that the command names: finding them, and their text as a stream, decompressed and in UTF-8."""

import codecs
import fnmatch
import glob
import gzip
import hashlib
import io
import os
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, cast

import pyarrow

from app.batch.decoding import text_of
from app.batch.row import Limits, bad_file
from app.errors import ObjectRejected, ObjectsError, ScoringError
from app.object_store import ObjectStore
from app.scoring.layout import is_of_output

S3 = "s3://"
HEAD = 1 << 20
"""Bytes of a text that show its format."""
UNREADABLE = "unreadable"
"""Code of the problem of a file that cannot be opened or read, whatever its contents are."""
_PIECE = 1 << 20
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_UTF_16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_UTF_32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_MARKS = 64
"""Bytes that show an encoding."""
_HIDDEN = (".", "_")
"""Begin the names of files and folders that are not read: those of unfinished output, for example."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file or an object."""

    name: str
    """Path, or address that begins with ``s3://``."""
    size: int
    """Its size, bytes."""
    stamp: str
    """Changes when the file does: its modification time, or the object's entity tag."""
    endpoint: str = ""
    """Address of the S3-compatible store; empty: AWS."""

    def open(self) -> IO[bytes]:
        """Open the file as it is.

        Raises:
            InputError: If it cannot be opened.
        """
        try:
            if self.name.startswith(S3):
                store, key = _bucket(self.name, self.endpoint)
                return cast(IO[bytes], store.open(key, self.size, self.stamp))
            return Path(self.name).open("rb", buffering=_PIECE)
        except OSError as error:
            raise bad_file(UNREADABLE, f"cannot be read: {error.strerror}") from None

    def digest(self) -> str:
        """Return what identifies the contents: the SHA-256 of a file, the entity tag of an object.

        Raises:
            InputError: If the file cannot be read.
        """
        if self.name.startswith(S3):
            return f"etag:{self.stamp}"
        with reading(), self.open() as file:
            return f"sha256:{hashlib.file_digest(cast(io.BufferedReader, file), 'sha256').hexdigest()}"

    def check(self) -> None:
        """Check that the file is the one that was found.

        Raises:
            ScoringError: If it has changed. An object cannot: its entity tag is sent with each request.
        """
        if self.name.startswith(S3):
            return
        try:
            now = _file(Path(self.name)).stamp
        except OSError:
            now = ""
        if now != self.stamp:
            raise ScoringError(f"{self.name}: has changed while it was read; run the command again")


class Text:
    """The text of a source: in UTF-8, decompressed, without a byte order mark."""

    def __init__(self, source: Source) -> None:
        """Open the text.

        Args:
            source: The file.

        Raises:
            InputError: If it cannot be read, or is of an encoding that is not supported.
        """
        self._raw = cast(io.BufferedReader, source.open())
        self._skipped = self._position = 0
        try:
            with reading():
                self._file = self._decoded()
        except BaseException:
            self._raw.close()
            raise
        self.is_seekable = self._file is self._raw
        """Whether any position is reached at once; otherwise the text has to be read from its beginning."""

    def _decoded(self) -> io.BufferedReader:
        file = self._raw
        start = file.peek(_MARKS)[:_MARKS]
        if start.startswith(_GZIP):
            file = io.BufferedReader(cast(io.RawIOBase, gzip.GzipFile(fileobj=file)), _PIECE)
        elif start.startswith(_ZSTD):
            file = io.BufferedReader(cast(io.RawIOBase, pyarrow.input_stream(file, compression="zstd")), _PIECE)
        start = file.peek(_MARKS)[:_MARKS]
        if start.startswith(_UTF_32):
            raise bad_file("not_utf8", "is UTF-32; save it as UTF-8")
        encoding = _UTF_16.get(start[:2])
        if encoding is not None:
            file.read(2)
            return io.BufferedReader(_Utf16(file, encoding), _PIECE)
        if not start.startswith(_GZIP):  # which is of another format
            text_of(start, Limits(), lambda: None)
        if start.startswith(codecs.BOM_UTF8):
            self._skipped = len(file.read(len(codecs.BOM_UTF8)))
        return file

    def head(self) -> bytes:
        """Return the beginning of the text; only before anything was read.

        Raises:
            InputError: If it cannot be read.
        """
        head = self.read(HEAD)
        self._file = io.BufferedReader(_Joined(head, self._file), _PIECE)
        return head

    def read(self, size: int) -> bytes:
        """Read up to so many bytes, fewer only at the end.

        Raises:
            InputError: If they cannot be read, or the compressed file is damaged.
        """
        with reading():
            data = self._file.read(size)
        self._position += len(data)
        return data

    def skip_to(self, position: int) -> bool:
        """Go to a position in the text; not after `head`.

        Args:
            position: The position, bytes.

        Returns:
            Whether it can be reached: a compressed text is only read forwards.

        Raises:
            InputError: If the text cannot be read.
        """
        if self.is_seekable:
            with reading():
                self._file.seek(position + self._skipped)
            self._position = position
        while self._position < position and self.read(min(position - self._position, _PIECE)):
            pass
        return self._position <= position

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        self._raw.close()

    def __enter__(self) -> "Text":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def reading(format: Literal["zstd", "Parquet"] = "zstd") -> Iterator[None]:
    """Raise what reading a source may raise as an error of the source, or of the job where another try may help.

    Args:
        format: What pyarrow reads.

    Raises:
        InputError: With the reason.
        ScoringError: If the store does not answer, or the object is another one by now.
    """
    try:
        yield
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise bad_file("gzip_invalid", "is not valid gzip, though it begins like it, or is truncated") from None
    except ObjectsError as error:
        raise ScoringError(str(error)) from None
    except (pyarrow.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.strerror:
            raise bad_file(UNREADABLE, f"cannot be read: {error.strerror}") from None
        code = f"{format.lower()}_invalid"
        raise bad_file(code, f"is not valid {format}, though it begins like it, or is truncated") from None


class _Joined(io.RawIOBase):
    """What was read of a file and the rest of it."""

    def __init__(self, begin: bytes, file: io.BufferedReader) -> None:
        self._begin, self._rest = memoryview(begin), file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        if not self._begin:
            return self._rest.readinto(buffer)
        size = min(len(buffer), len(self._begin))
        buffer[:size] = self._begin[:size]
        self._begin = self._begin[size:]
        return size

    def close(self) -> None:
        if not self.closed:
            self._rest.close()
        super().close()


class _Utf16(io.RawIOBase):
    """A file in UTF-16 as UTF-8."""

    def __init__(self, file: io.BufferedReader, encoding: str) -> None:
        self._file, self._left = file, b""
        self._decoder = codecs.getincrementaldecoder(encoding)()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        while not self._left:
            piece = self._file.read(_PIECE)
            try:
                self._left = self._decoder.decode(piece, final=not piece).encode()
            except UnicodeError:
                raise bad_file("not_utf16", "begins with a byte order mark of UTF-16, but is not UTF-16") from None
            if not piece:
                break
        size = min(len(buffer), len(self._left))
        buffer[:size] = self._left[:size]
        self._left = self._left[size:]
        return size

    def close(self) -> None:
        if not self.closed:
            self._file.close()
        super().close()


def find_sources(paths: Sequence[str], endpoint: str, output: str = "") -> list[Source]:
    """Find the files that the command names.

    Args:
        paths: Files, folders, patterns with ``*`` (``**`` goes through folders), and ``s3://bucket/prefix``: the object
            of that name, all objects below it, or those of a pattern. Of folders, prefixes and patterns, all files
            count except those whose name, or that of a folder within, begins with a point or an underscore. Links to
            folders are not followed.
        endpoint: Address of an S3-compatible store; empty: AWS.
        output: Folder or prefix of the output, whose files are no sources.

    Returns:
        The files, in the order of the paths, and of their names within a path. A file that has several names is there
        once, under the first of them.

    Raises:
        ScoringError: If a path does not exist or cannot be listed, or matches nothing.
    """
    found: dict[str, Source] = {}
    for path in paths:
        sources = [source for source in _find(path, endpoint) if not _is_output(source.name, output)]
        if not sources:
            raise ScoringError(f"{path}: there is no file")
        for source in sources:
            try:
                source.name.encode()
            except UnicodeEncodeError:
                raise ScoringError(f"{source.name!a}: the name is not UTF-8; rename the file") from None
            found.setdefault(source.name if source.name.startswith(S3) else os.path.realpath(source.name), source)
    return list(found.values())


def _find(path: str, endpoint: str) -> Iterable[Source]:
    if path.startswith(S3):
        return _find_objects(path, endpoint)
    try:
        if os.path.isdir(path):
            return [_file(each) for each in sorted(_inside(Path(path))) if each.is_file()]
        if os.path.exists(path) or not glob.has_magic(path):
            source = _file(Path(path))
            if not path or not Path(path).is_file():
                raise ScoringError(f"{path or 'SOURCE'}: is not a file")
            return [source]
        folder, pattern = _divided(path)
        depth = None if "**" in pattern else len(pattern)
        found = _inside(Path(folder), depth) if os.path.isdir(folder) else ()
        matching = (each for each in found if _is_match(each.relative_to(folder).parts, pattern))
        return [_file(each) for each in sorted(matching) if each.is_file()]
    except OSError as error:
        raise ScoringError(f"{error.filename or path}: cannot be read: {error.strerror}") from None


def _inside(folder: Path, depth: int | None = None) -> Iterator[Path]:
    """The files of a folder and of those within it, down to a depth.

    Raises:
        OSError: If a folder cannot be listed, whose files would be missing.
    """

    def fail(error: OSError) -> None:
        raise error

    for name, folders, files in os.walk(folder, onerror=fail):
        here = Path(name)
        if depth is not None and len(here.relative_to(folder).parts) + 1 >= depth:
            folders.clear()
        folders[:] = [each for each in folders if _is_visible([each])]
        yield from (here / file for file in files if _is_visible([file]))


def _divided(path: str) -> tuple[str, Sequence[str]]:
    """The folder above the first part of a path that has a wildcard, and the parts from there on."""
    parts = path.split("/")
    first = next(index for index, part in enumerate(parts) if glob.has_magic(part))
    folder = "/".join(parts[:first])
    return folder or ("/" if path.startswith("/") else "."), parts[first:]


def _is_match(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether the parts of a path are those of a pattern, in which ``**`` stands for any number of them."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        return any(_is_match(parts[skipped:], pattern[1:]) for skipped in range(len(parts) + 1))
    return bool(parts) and fnmatch.fnmatchcase(parts[0], pattern[0]) and _is_match(parts[1:], pattern[1:])


def _find_objects(address: str, endpoint: str) -> Iterable[Source]:
    try:
        store, prefix = _bucket(address, endpoint)
        if prefix and not prefix.endswith("/") and (described := store.describe(prefix)):
            return [Source(address, *described, endpoint)]
        pattern: Sequence[str] = ("**",)
        if glob.has_magic(prefix):
            prefix, pattern = _divided(prefix)
            prefix = "" if prefix == "." else prefix
        folder = prefix.rstrip("/")
        inside = ((key, key[len(folder) :].lstrip("/").split("/")) for key, _ in store.objects(folder))
        names = sorted(key for key, parts in inside if _is_visible(parts) and _is_match(parts, pattern))
        described_all = [(key, store.describe(key)) for key in names]
    except ObjectsError as error:
        raise ScoringError(str(error)) from None
    return [Source(f"{S3}{store.bucket}/{key}", *each, endpoint) for key, each in described_all if each]


def _bucket(address: str, endpoint: str) -> tuple[ObjectStore, str]:
    bucket, _, key = address.removeprefix(S3).partition("/")
    if not bucket:
        raise ObjectRejected(f"{address}: names no bucket")
    return ObjectStore(bucket, endpoint), key


def _file(path: Path) -> Source:
    status = path.stat()
    return Source(str(path), status.st_size, f"{status.st_size}-{status.st_mtime_ns}")


def _is_output(name: str, output: str) -> bool:
    """Whether a file is one that a run has written to the output."""
    if not output or name.startswith(S3) != output.startswith(S3):
        return False
    if output.startswith(S3):
        return name.startswith(f"{output}/") and is_of_output(name[len(output) + 1 :])
    folder, path = Path(output).resolve(), Path(name).resolve()
    return path.is_relative_to(folder) and is_of_output(path.relative_to(folder).as_posix())


def _is_visible(parts: Sequence[str]) -> bool:
    return not any(part.startswith(_HIDDEN) for part in parts)
