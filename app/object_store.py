"""An S3-compatible object store: reads and writes whole objects, and lists folders.

Credentials and region come from the usual AWS sources: ``AWS_*`` environment variables, or the role of the function,
pod, container or machine. The client library is imported at first use.
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import ObjectRejected, ObjectsError

if TYPE_CHECKING:
    from obstore.store import S3Store

CONNECT_TIMEOUT = timedelta(seconds=3)
"""Maximum time to open a connection."""
REQUEST_TIMEOUT = timedelta(seconds=30)
"""Maximum time to receive a whole response."""
RETRY_TIMEOUT = timedelta(seconds=10)
"""Time after which a failed request is not retried; there are at most three retries."""
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
