"""Writes records to a stream (Amazon Kinesis Data Streams), in batches, until each is accepted.

boto3 is not among the program's packages: the runtime of the cloud's functions has it.
"""

import hashlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from app.errors import BeerModelError

MAX_RECORDS = 500
"""Maximum number of records of a call."""
MAX_CALL_BYTES = 5_000_000
"""Maximum size of a call: data and keys."""
MAX_RECORD_BYTES = 1_000_000
"""Maximum size of a record."""
ATTEMPTS = 6
FIRST_PAUSE_S = 0.1
"""Pause before the second attempt; each further pause is twice as long."""


class StreamError(BeerModelError):
    """The stream does not accept records; the message says how many, and why."""


class Record(NamedTuple):
    """A record of a stream."""

    data: bytes
    key: str
    """What belongs together: records with one key go to the same shard."""

    @classmethod
    def of(cls, data: bytes, subject: str) -> "Record":
        """Return a record.

        Args:
            data: The record's bytes.
            subject: What it is about, such as a beer's id.
        """
        return cls(data, hashlib.sha256(subject.encode("utf-8", "replace")).hexdigest()[:32])


class Stream:
    """A stream."""

    def __init__(
        self,
        name: str,
        client: Any = None,
        pause: Callable[[float], None] = time.sleep,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """Open a stream.

        Args:
            name: Its name.
            client: boto3's client of Kinesis; made if None.
            pause: Sleeps between attempts, in seconds.
            check: Called before each call; what it raises is passed on.
        """
        self._name = name
        self._client = client or _client()
        self._pause = pause
        self._check = check
        self.accepted = 0
        """Number of records that were written."""

    def put(self, records: Iterable[Record]) -> None:
        """Write records.

        Args:
            records: The records, none larger than `MAX_RECORD_BYTES`. They may be of a source that is still read.

        Raises:
            StreamError: If the stream does not accept one of them. Those before it are written.
        """
        for batch in batches(records):
            self._put(batch)

    def _put(self, batch: Sequence[Record]) -> None:
        left, reason = batch, ""
        for attempt in range(ATTEMPTS):
            if attempt:
                self._pause(FIRST_PAUSE_S * 2 ** (attempt - 1))
            self._check()
            try:
                answer = self._client.put_records(
                    StreamName=self._name, Records=[{"Data": data, "PartitionKey": key} for data, key in left]
                )
            except _faults() as error:
                raise StreamError(f"{len(left)} records are not accepted: {type(error).__name__}") from None
            self.accepted += len(left) - answer.get("FailedRecordCount", 0)
            if not answer.get("FailedRecordCount"):
                return
            results = list(zip(left, answer["Records"], strict=True))
            left = [record for record, result in results if result.get("ErrorCode")]
            reason = next(result["ErrorCode"] for _, result in results if result.get("ErrorCode"))
        raise StreamError(f"{len(left)} records are not accepted: {reason} ({ATTEMPTS} attempts)")


def batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Divide records into those of one call each, in their order."""
    batch: list[Record] = []
    size = 0
    for record in records:
        more = len(record.data) + len(record.key)
        if batch and (len(batch) == MAX_RECORDS or size + more > MAX_CALL_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += more
    if batch:
        yield batch


def _client() -> Any:
    import boto3
    from botocore.config import Config

    retries = {"mode": "standard", "max_attempts": 4}
    return boto3.client("kinesis", config=Config(connect_timeout=3, read_timeout=10, retries=retries))


def _faults() -> tuple[type[Exception], ...]:
    from botocore.exceptions import BotoCoreError, ClientError

    return BotoCoreError, ClientError
