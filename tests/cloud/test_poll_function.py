"""The function that a schedule calls, under the cloud's own runtime client, with a real API and moto's stream."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.platform.stream import Record, Stream, StreamError
from tests.brewery import brewery
from tests.cloud.events import scheduled
from tests.cloud.runtime import Runtime
from tests.cloud.store import REGION, Store
from tests.cloud.stream import make_stream, read_stream

pytest.importorskip("awslambdaric", reason="awslambdaric is not installed (requirements/cloud.txt)")
pytest.importorskip("moto", reason="moto is not installed (requirements/cloud.txt); `tox -e function` installs it")

HANDLER = "app.aws_lambda.poll.handler"
ROWS: list[Any] = [{"id": number, "name": f"Bière {number}"} for number in range(1200)]


@pytest.fixture
def runtime(moto: Store, tmp_path: Path) -> Iterator[Any]:
    started: list[Runtime] = []

    def start(address: str, stream: str, asked: str = "all") -> Runtime:
        settings: dict[str, Any] = {"BEER_API": address, "BEER_STREAM": stream, "BEER_API_BEERS": asked}
        settings |= {**moto.environment, "AWS_ENDPOINT_URL": moto.endpoint, "AWS_DEFAULT_REGION": REGION}
        started.append(Runtime(HANDLER, tmp_path, **settings))
        return started[-1]

    yield start
    for each in started:
        each.close()


def test_all_pages_are_on_the_stream_as_they_came(runtime: Any, moto: Store) -> None:
    make_stream(moto, "polled")
    with brewery([*ROWS, "no beer"], 503) as server:
        outcome = runtime(server.address, "polled").invoke(scheduled())
    assert outcome.body == {"read": 1201, "put": 1201, "too_large": 0}, outcome
    found = [json.loads(record["Data"]) for record in read_stream(moto, "polled")]
    assert sorted(map(json.dumps, found)) == sorted(map(json.dumps, [*ROWS, "no beer"]))


def test_one_random_beer(runtime: Any, moto: Store) -> None:
    make_stream(moto, "random")
    with brewery(ROWS) as server:
        function = runtime(server.address, "random", "random")
        assert [function.invoke(scheduled()).body["put"] for _ in range(2)] == [1, 1]
    assert [json.loads(record["Data"]) for record in read_stream(moto, "random")] == [ROWS[0], ROWS[0]]


def test_an_api_that_fails_fails_the_call_and_keeps_what_came_before(runtime: Any, moto: Store) -> None:
    make_stream(moto, "half")
    with brewery(ROWS, json.dumps(ROWS[:80]).encode(), 404) as server:
        outcome = runtime(server.address, "half").invoke(scheduled())
    assert (outcome.kind, outcome.body["errorType"]) == ("error", "ApiError")
    assert outcome.body["errorMessage"] == "page 2: status 404"


def test_a_stream_that_is_missing_fails_the_call(runtime: Any) -> None:
    with brewery(ROWS[:1]) as server:
        outcome = runtime(server.address, "missing").invoke(scheduled())
    assert (outcome.kind, outcome.body["errorType"]) == ("error", "StreamError")


def test_a_call_ends_before_its_time_is_up(runtime: Any, moto: Store) -> None:
    make_stream(moto, "late")
    with brewery(ROWS) as server:
        outcome = runtime(server.address, "late").invoke(scheduled(), seconds=5)
        assert (outcome.body["errorType"], server.requested) == ("TooLate", [])


class Throttled:
    """A client of a stream that accepts every other record."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.calls = 0

    def put_records(self, StreamName: str, Records: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        self.calls += 1
        results = []
        for place, record in enumerate(Records):
            if place % 2:
                results.append({"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "slow down"})
            else:
                self.taken.append(record["Data"])
                results.append({"SequenceNumber": "1", "ShardId": "1"})
        return {"FailedRecordCount": sum("ErrorCode" in each for each in results), "Records": results}


def test_records_that_are_throttled_are_sent_again_and_no_others() -> None:
    client, pauses = Throttled(), []
    stream = Stream("any", client, pause=pauses.append)
    stream.put(Record(bytes([number]), "k") for number in range(20))
    assert sorted(client.taken) == [bytes([number]) for number in range(20)] and stream.accepted == 20
    assert pauses == [0.1, 0.2, 0.4, 0.8]


def test_a_stream_that_stays_throttled_is_an_error() -> None:
    stream = Stream("any", Throttled(), pause=lambda _: None)
    with pytest.raises(StreamError, match=r"1 records are not accepted: Provisioned\w+ \(6 attempts\)"):
        stream.put(Record(bytes([number]), "k") for number in range(64))
    assert stream.accepted == 63
