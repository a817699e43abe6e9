"""An S3-compatible object store: reads and writes whole objects, and lists folders.

Credentials and region come from the usual AWS sources: ``AWS_*`` environment variables, or the role of the function,
pod, container or machine. The client library is imported at first use.
"""

from __future__ import annotations

import io
import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.errors import ObjectRejected, ObjectsError

if TYPE_CHECKING:
    from obstore import GetOptions
    from obstore.store import S3Store

CONNECT_TIMEOUT = timedelta(seconds=3)
"""Maximum time to open a connection."""
REQUEST_TIMEOUT = timedelta(seconds=30)
"""Maximum time to receive a whole response."""
RETRY_TIMEOUT = timedelta(seconds=10)
"""Time after which a failed request is not retried; there are at most three retries."""
_PIECE = 8 << 20
"""Bytes that are requested at once of an object that is read piece by piece."""
MAX_NAME_BYTES = 1024
"""Maximum length of an object's name in UTF-8."""
_CODE = re.compile(r"<Code>(\w{1,60})</Code>")
_MAX_REASON = 300


class ObjectStore:
    """A bucket."""

    def __init__(self, bucket: str, endpoint: str = "") -> None:
        """Open a bucket.

        Args:
            bucket: Name of the bucket.
            endpoint: Address of an S3-compatible store; empty: AWS.
        """
        self.bucket = bucket
        self._store = _open(bucket, endpoint)

    def read(self, key: str, limit: int) -> bytes | None:
        """Read an object; None if it does not exist.

        Args:
            key: Name of the object.
            limit: Maximum size in bytes.

        Raises:
            ObjectRejected: If the object is larger, or its name is invalid.
            ObjectsError: If the object is truncated, or the store rejects the request or does not answer.
        """
        self.check_name(key)
        try:
            result = self._store.get(key)
            if result.meta["size"] > limit:
                raise ObjectRejected(f"{self._name(key)}: larger than {limit} bytes")
            data = bytes(result.bytes())
        except FileNotFoundError:
            return None
        except _faults() as error:
            raise ObjectsError(f"{self._name(key)}: cannot be read: {_reason(error)}") from None
        return data

    def write(self, key: str, data: bytes | bytearray | Path, media_type: str) -> None:
        """Write an object atomically.

        Args:
            key: Name of the object.
            data: Contents, or the file that has them, which is sent in parts.
            media_type: Media type of the contents.

        Raises:
            ObjectsError: If the store rejects the request or does not answer.
        """
        self.check_name(key)
        try:
            self._store.put(key, data, attributes={"Content-Type": media_type})
        except _faults() as error:
            raise ObjectsError(f"{self._name(key)}: cannot be written: {_reason(error)}") from None

    def delete(self, key: str) -> None:
        """Delete an object; nothing happens if it does not exist.

        Raises:
            ObjectsError: If the store rejects the request or does not answer.
        """
        self.check_name(key)
        try:
            self._store.delete(key)
        except FileNotFoundError:
            pass
        except _faults() as error:
            raise ObjectsError(f"{self._name(key)}: cannot be deleted: {_reason(error)}") from None

    def describe(self, key: str) -> tuple[int, str] | None:
        """Return the size of an object in bytes, and its entity tag; None if it does not exist.

        Raises:
            ObjectsError: If the store rejects the request or does not answer.
        """
        self.check_name(key)
        try:
            meta = self._store.head(key)
        except FileNotFoundError:
            return None
        except _faults() as error:
            raise ObjectsError(f"{self._name(key)}: cannot be read: {_reason(error)}") from None
        return meta["size"], str(meta["e_tag"] or "").strip('"')

    def open(self, key: str, size: int, entity_tag: str = "") -> io.BufferedReader:
        """Open an object as a file, which is read piece by piece.

        Args:
            key: Name of the object.
            size: Its size in bytes, see `describe`.
            entity_tag: Its entity tag: an object that has another one by now cannot be read.
        """
        self.check_name(key)
        return io.BufferedReader(_ObjectFile(self, key, size, entity_tag), _PIECE)

    def read_range(self, key: str, start: int, end: int, entity_tag: str = "") -> bytes:
        """Read a part of an object.

        Args:
            key: Name of the object.
            start: Position of the first byte.
            end: Position after the last byte.
            entity_tag: See `open`.

        Raises:
            ObjectsError: If the object does not exist or is another one, or the store rejects the request or does not
                answer.
        """
        options: GetOptions = {"range": (start, end)}
        if entity_tag:
            options["if_match"] = entity_tag
        try:
            return bytes(self._store.get(key, options=options).bytes())
        except _faults() as error:
            raise ObjectsError(f"{self._name(key)}: cannot be read: {_reason(error)}") from None

    def folders(self, folder: str) -> list[str]:
        """List the names of the folders in a folder.

        Args:
            folder: Name of the folder without a final slash; empty for the root of the bucket.

        Raises:
            ObjectsError: If the store rejects the request or does not answer.
        """
        try:
            listing = self._store.list_with_delimiter(folder or None)
        except _faults() as error:
            raise ObjectsError(f"{self._name(folder)}: cannot be listed: {_reason(error)}") from None
        return [name.rpartition("/")[2] for name in listing["common_prefixes"]]

    def objects(self, prefix: str) -> list[tuple[str, int]]:
        """List the names and sizes of the objects in a folder and in the folders within it.

        Args:
            prefix: Name of the folder without a final slash; empty for the root of the bucket.

        Raises:
            ObjectsError: If the store rejects the request or does not answer.
        """
        try:
            pages = list(self._store.list(prefix or None))
        except _faults() as error:
            raise ObjectsError(f"{self._name(prefix)}: cannot be listed: {_reason(error)}") from None
        return [(meta["path"], meta["size"]) for page in pages for meta in page]

    def _name(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"

    def check_name(self, key: str) -> None:
        """Check the name of an object.

        Raises:
            ObjectRejected: If no object can have the name, or the client would change it.
        """
        if len(key.encode("utf-8", "surrogatepass")) > MAX_NAME_BYTES:
            raise ObjectRejected(f"s3://{self.bucket}: a name is longer than {MAX_NAME_BYTES} bytes")
        if not key or any(
            part in ("", ".", "..") for part in key.split("/")
        ):  # the library would normalize them to another key
            raise ObjectRejected(f"{self._name(key)}: the name contains an empty part, . or .. between slashes")


class _ObjectFile(io.RawIOBase):
    """An object as a file that is read by ranges."""

    def __init__(self, store: ObjectStore, key: str, size: int, entity_tag: str) -> None:
        self._store, self._key, self._size, self._tag = store, key, size, entity_tag
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(start + offset, 0)
        return self._position

    def readinto(self, buffer: Any) -> int:
        end = min(self._position + len(buffer), self._size)
        if end <= self._position:
            return 0
        data = self._store.read_range(self._key, self._position, end, self._tag)
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)


def _open(bucket: str, endpoint: str) -> S3Store:
    from obstore.store import S3Store

    try:
        return S3Store(
            bucket,
            config={"endpoint": endpoint} if endpoint else {},
            client_options={
                "allow_http": endpoint.startswith("http://"),
                "connect_timeout": CONNECT_TIMEOUT,
                "timeout": REQUEST_TIMEOUT,
            },
            retry_config={"max_retries": 3, "retry_timeout": RETRY_TIMEOUT},
        )
    except _faults() as error:
        raise ObjectsError(f"s3://{bucket}: cannot be opened: {_reason(error)}") from None


def _faults() -> tuple[type[Exception], ...]:
    from obstore.exceptions import BaseError

    return BaseError, OSError, ValueError


def _reason(error: Exception) -> str:
    """Return the first line of the library's message and the store's error code, without the raw response."""
    text = str(error)
    line, code = text.partition("\n")[0].partition(": <?xml")[0], _CODE.search(text)
    return f"{line[:_MAX_REASON]} ({code[1]})" if code else line[:_MAX_REASON]
