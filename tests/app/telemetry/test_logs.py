"""Logs: each record one line of JSON, whatever is in it."""

import json
import logging
import sys

import pytest

from app.telemetry.logs import JsonFormatter, timestamp


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
def test_a_message_stays_in_its_line(message: str) -> None:
    told = line(message)
    assert (told["level"], told["logger"], told["message"]) == ("warning", "beer", message)
    assert "traceback" not in told


def test_a_traceback_is_part_of_its_line() -> None:
    assert line("failed", failed=True)["traceback"].endswith("ValueError: why\nin two lines")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "1970-01-01T00:00:00.000Z"), (1769860800.9999, "2026-01-31T12:00:00.999Z"), (1.5, "1970-01-01T00:00:01.500Z")],
)
def test_moments_are_in_utc_to_the_millisecond(seconds: float, text: str) -> None:
    assert timestamp(seconds) == text
