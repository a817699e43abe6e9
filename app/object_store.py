"""Objects in an S3-compatible store: read whole, written whole, listed by folder.

Credentials and region come from where AWS puts them: ``AWS_*`` in the environment, or the role of the function, pod,
container or machine. The library is imported where a store is used first: most programs use none.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from app.errors import ObjectsError

if TYPE_CHECKING:
    from obstore.store import S3Store

CONNECTING = timedelta(seconds=3)
"""Until a connection must stand, ..."""
ANSWERING = timedelta(seconds=30)
"""... until an answer must be whole, ..."""
TRYING = timedelta(seconds=10)
"""... and until no more is tried again: at most three times, as what is cut off may come whole the next time."""
_CODE = re.compile(r"<Code>(\w{1,60})</Code>")
_LONGEST = 300


class ObjectStore:
    """One bucket."""

    def __init__(self, bucket: str, endpoint: str = "") -> None:
        """Initialize the object store.

        Args:
            bucket: Its name.
            endpoint: Address of an S3-compatible store; empty: AWS.
        """
        self.bucket = bucket
        self._store = _open(bucket, endpoint)

    def read(self, key: str, limit: int) -> bytes | None:
        """The object's bytes; None where there is none.

        Args:
            key: The object's name.
            limit: Most bytes.

        Raises:
            ObjectsError: It is larger, was cut off, or the store refuses or does not answer.
        """
        self._check(key)
        try:
            found = self._store.get(key)
            if found.meta["size"] > limit:
                raise ObjectsError(f"{self._name(key)}: larger than {limit} bytes")
            data = bytes(found.bytes())
        except FileNotFoundError:
            return None
        except _faults() as error:
            raise ObjectsError(f"{self._name(key)}: cannot be read: {_reason(error)}") from None
        return data

    def write(self, key: str, data: bytes, media_type: str) -> None:
        """Write an object; it appears whole or not at all.

        Args:
            key: The object's name.
            data: Its bytes.
            media_type: Its type.

        Raises:
            ObjectsError: The store refuses or does not answer.
        """
        self._check(key)
        try:
            self._store.put(key, data, attributes={"Content-Type": media_type})
        except _faults() as error:
            raise ObjectsError(f"{self._name(key)}: cannot be written: {_reason(error)}") from None

    def folders(self, folder: str) -> list[str]:
        """Names of the folders in a folder.

        Args:
            folder: Its name, without the slash at its end; empty for the bucket's root.

        Raises:
            ObjectsError: The store refuses or does not answer.
        """
        try:
            found = self._store.list_with_delimiter(folder or None)
        except _faults() as error:
            raise ObjectsError(f"{self._name(folder)}: cannot be listed: {_reason(error)}") from None
        return [name.rpartition("/")[2] for name in found["common_prefixes"]]

    def _name(self, key: str) -> str:
        return f"s3://{self.bucket}/{key}"

    def _check(self, key: str) -> None:
        if not key or any(part in ("", ".", "..") for part in key.split("/")):  # the library would take another key
            raise ObjectsError(f"{self._name(key)}: a name with empty parts or dots alone between slashes")


def _open(bucket: str, endpoint: str) -> S3Store:
    from obstore.store import S3Store

    try:
        return S3Store(
            bucket,
            config={"endpoint": endpoint} if endpoint else {},
            client_options={
                "allow_http": endpoint.startswith("http://"),
                "connect_timeout": CONNECTING,
                "timeout": ANSWERING,
            },
            retry_config={"max_retries": 3, "retry_timeout": TRYING},
        )
    except _faults() as error:
        raise ObjectsError(f"s3://{bucket}: cannot be opened: {_reason(error)}") from None


def _faults() -> tuple[type[Exception], ...]:
    from obstore.exceptions import BaseError

    return BaseError, OSError, ValueError


def _reason(error: Exception) -> str:
    """The first line of the library's words, or the store's code; the rest is the answer as it came."""
    text = str(error)
    line, code = text.partition("\n")[0].partition(": <?xml")[0], _CODE.search(text)
    return f"{line[:_LONGEST]} ({code[1]})" if code else line[:_LONGEST]
