"""The platform without an account: moves records from moto's stream to the deliveries, and calls the functions.

What the cloud does between the parts is done here, by its rules: a schedule calls a function; each delivery reads the
stream on its own, from where it was; one writes what came, the other calls the transform function with batches, checks
its answer, and tries again if it fails; a bucket calls the function for files with each new object. The functions run
under the cloud's own runtime client.
"""

import base64
import gzip
import json
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.cloud.events import created, delivery, scheduled
from tests.cloud.runtime import Outcome, Runtime
from tests.cloud.store import REGION, Store
from tests.cloud.stream import make_stream

BATCH_BYTES = 1_000_000
"""Size of the records of a call of the transform function: BufferSizeInMBs in serverless.yml."""
OBJECT_BYTES = 5_000_000
"""Size of the records of an object: BufferingHints in serverless.yml."""
RETRIES = 3
"""NumberOfRetries in serverless.yml."""
MAX_CALL = 6 * 2**20
"""Maximum size of a call of a function and of its answer."""
RESULTS = {"Ok", "Dropped", "ProcessingFailed"}

Batch = list[dict[str, Any]]


@dataclass
class Ledger:
    """What became of the records of the stream."""

    records: int = 0
    """Records that a delivery got from the stream, each time that it got them."""
    raw: int = 0
    """Records in raw/."""
    clean: int = 0
    """Lines in cleaned/."""
    dropped: Counter[str] = field(default_factory=Counter)
    """By rule, as the transform function states."""
    failed: Counter[str] = field(default_factory=Counter)
    """By reason."""
    undelivered: int = 0
    """Records in undelivered/cleaned/processing-failed/."""
    answered: int = 0
    """Lines of predictions."""
    bad: int = 0
    """Rows that could not be answered."""

    def adds_up(self) -> bool:
        """Whether nothing vanished."""
        return (
            self.records == self.clean + self.dropped.total() + self.failed.total()
            and self.failed.total() == self.undelivered
            and self.clean == self.answered + self.bad
        )


class Platform:
    """All parts of the platform, in a bucket and a stream of its own."""

    def __init__(self, moto: Store, folder: Path, name: str, api: str = "http://127.0.0.1:9", beers: str = "all"):
        """Create the parts and start the functions.

        Args:
            moto: moto's server.
            folder: Folder for the functions' logs.
            name: Name of the bucket and of the stream.
            api: Address of the beer API.
            beers: What to ask it for.
        """
        self.moto, self.name, self.ledger = moto, name, Ledger()
        moto.make_bucket(name)
        make_stream(moto, name)
        cloud: dict[str, Any] = {**moto.environment, "AWS_ENDPOINT_URL": moto.endpoint, "AWS_DEFAULT_REGION": REGION}
        self._functions: list[Runtime] = []
        self.poll = self._start("poll", folder, **cloud, BEER_API=api, BEER_API_BEERS=beers, BEER_STREAM=name)
        self.transform = self._start("transform", folder)
        self.files = self._start("files", folder, **moto.environment, S3_ENDPOINT=moto.endpoint)
        self._raw, self._cleaned = _Reader(moto, name), _Reader(moto, name)

    def _start(self, function: str, folder: Path, **settings: Any) -> Runtime:
        place = folder / function
        place.mkdir()
        self._functions.append(Runtime(f"app.aws_lambda.{function}.handler", place, **settings))
        return self._functions[-1]

    def close(self) -> None:
        """Stop the functions."""
        for function in self._functions:
            function.close()

    def schedule(self) -> Outcome:
        """Call the function that polls the API."""
        return self.poll.invoke(scheduled(), seconds=240)

    def put(self, records: Sequence[bytes]) -> None:
        """Put records on the stream, as another producer does."""
        client = self.moto.client("kinesis")
        for start in range(0, len(records), 500):
            batch = [{"Data": data, "PartitionKey": str(start)} for data in records[start : start + 500]]
            assert client.put_records(StreamName=self.name, Records=batch)["FailedRecordCount"] == 0

    def deliver(self, arrange: Callable[[Batch], Batch] = list) -> None:
        """Let both deliveries read the stream from where they were, and have each new clean object answered.

        Args:
            arrange: Changes what the delivery of clean beers gets: repeats records, or changes their order.
        """
        for records in _chunks(self._raw.new(), OBJECT_BYTES):
            lines = b"".join(record["Data"] + b"\n" for record in records)
            self._write("raw", records, lines)
            self.ledger.raw += len(records)
        for key in self.deliver_clean(arrange(self._cleaned.new())):
            self.answer(key)

    def deliver_clean(self, records: Batch) -> list[str]:
        """Have records cleaned; return the names of the new objects."""
        self.ledger.records += len(records)
        keys = []
        for part in _chunks(records, OBJECT_BYTES):
            lines: list[bytes] = []
            for batch in _chunks(part, BATCH_BYTES):
                lines += self._cleaned_lines(batch)
            if lines:
                keys.append(self._write("cleaned", part, b"".join(lines)))
        return keys

    def _cleaned_lines(self, batch: Batch) -> list[bytes]:
        """Call the transform function with a batch; what fails is written where a delivery writes it."""
        event = delivery(
            [record["Data"] for record in batch],
            [int(record["ApproximateArrivalTimestamp"].timestamp() * 1000) for record in batch],
            [record["SequenceNumber"] for record in batch],
            self.name,
        )
        assert len(json.dumps(event)) <= MAX_CALL
        outcome = self.transform.invoke(event)
        for _ in range(RETRIES):
            if outcome.kind == "response":
                break
            outcome = self.transform.invoke(event)
        if outcome.kind != "response":
            self._fail(event["records"], "Lambda.FunctionError")
            self.ledger.failed["function"] += len(batch)
            return []
        assert len(json.dumps(outcome.body)) <= MAX_CALL
        answers = outcome.body["records"]
        assert [each["recordId"] for each in answers] == [each["recordId"] for each in event["records"]]
        assert {each["result"] for each in answers} <= RESULTS
        self._count()
        self._fail(
            [
                record
                for record, answer in zip(event["records"], answers, strict=True)
                if answer["result"] == "ProcessingFailed"
            ],
            "Lambda.ProcessingFailedStatus",
        )
        lines = [base64.b64decode(answer["data"], validate=True) for answer in answers if answer["result"] == "Ok"]
        self.ledger.clean += len(lines)
        return lines

    def _count(self) -> None:
        """Add what the function says of its last call."""
        line = json.loads([line for line in self.transform.output.splitlines() if line.startswith('{"_aws"')][-1])
        for reason, count in line["reasons"].items():
            kind, _, why = reason.partition(":")
            {"dropped": self.ledger.dropped, "failed": self.ledger.failed}[kind][why] += count

    def _fail(self, records: list[dict[str, Any]], code: str) -> None:
        if not records:
            return
        lines = [
            json.dumps({"attemptsMade": RETRIES + 1, "errorCode": code, "rawData": record["data"]})
            for record in records
        ]
        key = f"undelivered/cleaned/processing-failed/2026/11/27/{self.name}-{uuid.uuid4()}"
        self.moto.client().put_object(Bucket=self.name, Key=key, Body="\n".join(lines))
        self.ledger.undelivered += len(records)

    def _write(self, kind: str, records: Batch, data: bytes) -> str:
        arrived = min(record["ApproximateArrivalTimestamp"] for record in records).astimezone(UTC)
        own = f"{self.name}-{kind}-1-{datetime.now(UTC):%Y-%m-%d-%H-%M-%S}-{uuid.uuid4()}.gz"
        key = f"{kind}/day={arrived:%Y-%m-%d}/{own}"
        self.moto.client().put_object(Bucket=self.name, Key=key, Body=gzip.compress(data))
        return key

    def answer(self, key: str) -> None:
        """Call the function for files with a new object, and count the lines it wrote."""
        outcome = self.files.invoke(created(self.name, [key]), seconds=300)
        assert outcome.kind == "response", outcome.body
        (result,) = outcome.body["files"]
        predictions = self.moto.read(self.name, f"results/{key}.predictions.jsonl").count(b"\n")
        errors = self.moto.read(self.name, f"results/{key}.errors.jsonl").count(b"\n")
        assert (result["rows"] - result["bad"], result["bad"]) == (predictions, errors)
        self.ledger.answered += predictions
        self.ledger.bad += errors

    def lines(self, prefix: str) -> list[bytes]:
        """Return the lines of all objects with a prefix."""
        found: list[bytes] = []
        for key in self.moto.keys(self.name):
            if key.startswith(prefix):
                data = self.moto.read(self.name, key)
                found += (gzip.decompress(data) if key.endswith(".gz") else data).splitlines()
        return found


class _Reader:
    """A consumer of a stream that goes on where it was."""

    def __init__(self, moto: Store, name: str) -> None:
        self._client = moto.client("kinesis")
        self._places = {
            shard["ShardId"]: self._client.get_shard_iterator(
                StreamName=name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            for shard in self._client.list_shards(StreamName=name)["Shards"]
        }

    def new(self) -> Batch:
        """Return the records since the last call."""
        found: Batch = []
        for shard, place in self._places.items():
            while True:
                answer = self._client.get_records(ShardIterator=place, Limit=1000)
                place = answer["NextShardIterator"]
                found += answer["Records"]
                if not answer["Records"]:
                    break
            self._places[shard] = place
        return found


def _chunks(records: Batch, limit: int) -> Iterator[Batch]:
    """Divide records into parts of at most a size; a larger record is a part of its own."""
    part: Batch = []
    size = 0
    for record in records:
        if part and size + len(record["Data"]) > limit:
            yield part
            part, size = [], 0
        part.append(record)
        size += len(record["Data"])
    if part:
        yield part
