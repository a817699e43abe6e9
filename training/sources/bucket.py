"""Recipes from a bucket's folder of files, such as the platform's clean beers under ``cleaned/`` (docs/platform.md).

A beer that came several times counts once: the newest by the time at which the platform received it. So it makes no
difference how often, in which order and in which files the beers were delivered.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from app.errors import ObjectsError
from app.object_store import ObjectStore
from training.errors import SourceError
from training.sources.base import Recipe, TrainingSource, canonical
from training.sources.files import LIMITS, rows_of
from training.sources.recipes import recipe

S3 = "s3://"
RECEIVED = "received"
"""Field of a row: when the platform received the beer, as RFC 3339 in UTC; a row without it is older than any other."""


class BucketFolder(TrainingSource):
    """All objects with a prefix, each a file of recipes."""

    def __init__(self, address: str, endpoint: str = "") -> None:
        """Initialize the source.

        Args:
            address: ``s3://bucket/prefix``.
            endpoint: Address of an S3-compatible store; empty: AWS.
        """
        self.name = address.rstrip("/")
        bucket, _, prefix = self.name.removeprefix(S3).partition("/")
        self._bucket, self._prefix, self._endpoint = bucket, prefix, endpoint

    def recipes(self) -> Iterator[Recipe]:
        """Yield each beer once, in the order of the ids.

        Raises:
            SourceError: If the bucket cannot be read, or an object is no file of recipes; the message names it.
        """
        newest: dict[str, tuple[tuple[str, bytes], dict[str, Any]]] = {}
        objects = read = 0
        try:
            store = ObjectStore(self._bucket, self._endpoint)
            for key in self._keys(store):
                objects += 1
                for row in self._rows(store, key):
                    read += 1
                    beer, rank = _beer(row)
                    if beer not in newest or newest[beer][0] < rank:
                        newest[beer] = (rank, row)
        except ObjectsError as error:
            raise SourceError(str(error)) from None
        self.note = f"{objects} files with {read} rows, {read - len(newest)} of them of beers with a newer row"
        for beer in sorted(newest, key=lambda each: (len(each), each)):
            yield recipe({name: value for name, value in newest[beer][1].items() if name != RECEIVED})

    def _keys(self, store: ObjectStore) -> list[str]:
        keys = sorted(key for key, size in store.objects(self._prefix) if size)
        if not keys:
            raise SourceError(f"{self.name}: has no files")
        return keys

    def _rows(self, store: ObjectStore, key: str) -> list[dict[str, Any]]:
        data = store.read(key, LIMITS.file_bytes)
        return [] if data is None else rows_of(data, f"{S3}{self._bucket}/{key}")


def _beer(row: Mapping[str, Any]) -> tuple[str, tuple[str, bytes]]:
    """Return what identifies a beer, and the rank of its row: the newest is the largest, whatever the order."""
    received = row.get(RECEIVED)
    rest = canonical({name: value for name, value in row.items() if name != RECEIVED})
    own = row.get("id")
    beer = f"id {own}" if own not in (None, "") else hashlib.sha256(rest).hexdigest()
    return beer, (received if isinstance(received, str) else "", rest)
