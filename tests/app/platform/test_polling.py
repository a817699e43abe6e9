"""Polling a beer API and dividing what it gave into calls of a stream."""

import json
from collections.abc import Iterable

import pytest

from app.errors import TooLate
from app.platform import polling
from app.platform.polling import Poll
from app.platform.punk_api import ApiError, PunkApi
from app.platform.stream import MAX_CALL_BYTES, MAX_RECORDS, Record, batches
from tests.brewery import brewery

ROWS = [{"id": number, "name": "é" * number} for number in range(100)]


def test_all_beers_are_handed_on_as_they_came() -> None:
    taken: list[Record] = []
    with brewery([*ROWS, "no beer"], 503) as server:
        poll = Poll()
        poll.run(PunkApi(server.address, pause=lambda _: None), "all", taken.extend)
    assert [json.loads(record.data) for record in taken] == [*ROWS, "no beer"]
    assert (poll.read, poll.too_large) == (101, 0) and all(b"\n" not in record.data for record in taken)


def test_a_beer_keeps_its_very_text_in_one_line() -> None:
    """A repeated key, a figure's last zero and escapes would not outlive reading and writing."""
    beer = r'{"id": 1, "abv": 5.10, "ibu": 40, "ibu": 41, "name": "[é, \ud800]"}'
    page = "[\r\n  " + beer.replace('"abv"', '\r\n"abv"') + ' ,\n  [], 7e0\t, "x",{}, null\n]\n'
    taken: list[Record] = []
    with brewery([], page.encode()) as server:
        Poll().run(PunkApi(server.address), "random", taken.extend)
    texts = [record.data.decode() for record in taken]
    assert texts == [beer.replace('"abv"', '  "abv"'), "[]", "7e0", '"x"', "{}", "null"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_other_encodings_of_unicode_become_utf_8(encoding: str) -> None:
    taken: list[Record] = []
    with brewery([], '[{"name": "Bière"}]'.encode(encoding)) as server:
        Poll().run(PunkApi(server.address), "random", taken.extend)
    assert [record.data for record in taken] == ['{"name": "Bière"}'.encode()]


def test_one_beer_at_random() -> None:
    taken: list[Record] = []
    with brewery(ROWS) as server:
        Poll().run(PunkApi(f"{server.address}/beers"), "random", taken.extend)
        assert server.requested == ["/beers/random"]
    assert [json.loads(record.data) for record in taken] == ROWS[:1]


def test_beers_of_earlier_pages_are_handed_on_before_an_error() -> None:
    """Also where they wait for more, to fill a call or a file."""
    calls: list[list[Record]] = []

    def put(records: Iterable[Record]) -> None:
        calls.extend(batches(records))

    with brewery(ROWS, json.dumps(ROWS[:80]).encode(), 404) as server, pytest.raises(ApiError, match="page 2"):
        Poll().run(PunkApi(server.address), "all", put)
    assert [len(call) for call in calls] == [80]


def test_beers_are_handed_on_when_the_time_is_up() -> None:
    calls: list[list[Record]] = []
    with brewery(ROWS) as server, pytest.raises(TooLate):

        def check() -> None:
            if len(server.requested) == 2:
                raise TooLate("the time is up")

        Poll().run(PunkApi(server.address, check=check), "all", lambda records: calls.extend(batches(records)))
    assert [len(call) for call in calls] == [80]


def test_a_beer_that_is_too_large_is_counted_and_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "MAX_RECORD_BYTES", 40)
    taken: list[Record] = []
    poll = Poll()
    with brewery([{"id": 1}, {"id": 2, "name": "x" * 100}]) as server:
        poll.run(PunkApi(server.address), "all", taken.extend)
    assert (len(taken), poll.read, poll.too_large) == (1, 2, 1)


def test_records_of_one_beer_share_a_key() -> None:
    assert Record.of(b"1", "7").key == Record.of(b"2", "7").key != Record.of(b"1", "8").key


def test_calls_are_within_the_limits_of_the_stream() -> None:
    small = [Record(b"x", "k")] * (MAX_RECORDS + 1)
    assert [len(batch) for batch in batches(small)] == [MAX_RECORDS, 1]
    large = [Record(bytes(900_000), "k")] * 11
    assert [len(batch) for batch in batches(large)] == [5, 5, 1] and 5 * 900_001 <= MAX_CALL_BYTES
    assert list(batches([])) == []


def test_a_check_stops_a_poll() -> None:
    def stop() -> None:
        raise TimeoutError

    taken: list[Record] = []
    with brewery(ROWS) as server, pytest.raises(TimeoutError):
        Poll().run(PunkApi(server.address, check=stop), "all", taken.extend)
