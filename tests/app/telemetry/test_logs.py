"""Logs: each record is one line of JSON, whatever it contains."""

import json
import logging
import sys
from io import StringIO

import pytest

from app.telemetry.logs import JsonFormatter, RequestLog, timestamp


def line(message: str, *, failed: bool = False) -> dict[str, str]:
    try:
        raise ValueError("why\nin two lines")
    except ValueError:
        fault = sys.exc_info() if failed else None
    record = logging.LogRecord("beer", logging.WARNING, "file.py", 1, message, None, fault)
    text = JsonFormatter().format(record)
    assert "\n" not in text and "\x1b" not in text and text.isascii()
    parsed: dict[str, str] = json.loads(text)
    return parsed


@pytest.mark.parametrize("message", ["plain", "two\nlines", '"}{"', "\x1b[31mred", "naïve ☃", "\ud800"])
def test_a_message_stays_in_one_line(message: str) -> None:
    parsed = line(message)
    assert (parsed["level"], parsed["logger"], parsed["message"]) == ("warning", "beer", message)
    assert "traceback" not in parsed


def test_a_traceback_is_part_of_the_line() -> None:
    assert line("failed", failed=True)["traceback"].endswith("ValueError: why\nin two lines")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "1970-01-01T00:00:00.000Z"), (1769860800.9999, "2026-01-31T12:00:00.999Z"), (1.5, "1970-01-01T00:00:01.500Z")],
)
def test_timestamps_are_in_utc_to_the_millisecond(seconds: float, text: str) -> None:
    assert timestamp(seconds) == text


def test_a_request_line_has_each_value_in_its_field() -> None:
    stream = StringIO()
    RequestLog(stream).record(
        request_id="r-1",
        method='GE"T',
        route="/predict",
        status=422,
        started=1769860800.25,
        seconds=0.0125,
        key_id="brewery",
        traceparent="00-1-2-01",
    )
    assert json.loads(stream.getvalue()) == {
        "time": "2026-01-31T12:00:00.250Z",
        "level": "info",
        "event": "request",
        "request_id": "r-1",
        "method": 'GE"T',
        "route": "/predict",
        "status": 422,
        "duration_ms": 12.5,
        "key_id": "brewery",
        "traceparent": "00-1-2-01",
    }


@pytest.mark.parametrize(("level", "lines"), [("DEBUG", 1), ("INFO", 1), ("WARNING", 0)])
def test_requests_are_logged_at_info(level: str, lines: int) -> None:
    stream = StringIO()
    RequestLog(stream, level).record(request_id="r", method="GET", route="/", status=200, started=0, seconds=1.5)
    assert [json.loads(line)["duration_ms"] for line in stream.getvalue().splitlines()] == [1500] * lines


def test_lines_of_one_turn_are_written_together() -> None:
    stream, writes = StringIO(), []
    log = RequestLog(stream, later=writes.append)
    for status in 200, 201:
        log.record(request_id="r", method="GET", route="/", status=status, started=0, seconds=0)
    assert len(writes) == 1 and not stream.getvalue()
    writes.pop()()
    assert [json.loads(line)["status"] for line in stream.getvalue().splitlines()] == [200, 201]
    log.record(request_id="r", method="GET", route="/", status=202, started=0, seconds=0)
    assert len(writes) == 1
