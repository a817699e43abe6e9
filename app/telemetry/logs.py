"""Logs: one JSON object a line on stderr."""

import asyncio
import json
import logging
import sys
import time
import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import TextIO


def timestamp(seconds: float) -> str:
    """A moment as RFC 3339 in UTC with milliseconds: ``2026-01-31T12:00:00.123Z``.

    Args:
        seconds: Since the epoch.
    """
    whole = int(seconds)
    return f"{_second(whole)}.{int((seconds - whole) * 1000):03d}Z"


def _second(whole: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))


class JsonFormatter(logging.Formatter):
    """Formats a record of the standard library as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The record's line: time, level, logger, message and, where there is one, the traceback."""
        line: dict[str, object] = {
            "time": timestamp(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


def configure_logging(level: str) -> None:
    """Send every logger's records to stderr as JSON; other people's access lines go, as each request has its own."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = name != "uvicorn.access"
    logging.getLogger("mangum.http").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module=r"PIL\.")  # what is odd about a caller's picture is no news


def at_turns_end(job: Callable[[], None]) -> None:
    """Do a job once the requests of this turn of the event loop are done."""
    asyncio.get_running_loop().call_soon(job)


class RequestLog:
    """Writes the one line a request; the lines of one turn of the event loop go out in one write."""

    def __init__(
        self,
        stream: TextIO | None = None,
        level: str = "INFO",
        later: Callable[[Callable[[], None]], None] = lambda job: job(),
    ) -> None:
        """Initialize the request log.

        Args:
            stream: Where to write; stderr by default.
            level: Least level that is logged; above INFO, requests are not.
            later: Does the writing, by default at once.
        """
        self._write = (stream or sys.stderr).write
        self._enabled = logging.getLevelNamesMapping()[level] <= logging.INFO
        self._later = later
        self._lines: list[str] = []
        self._quoted = lru_cache(64)(json.dumps)
        self._second = lru_cache(2)(_second)

    def record(
        self,
        *,
        request_id: str,
        method: str,
        route: str,
        status: int,
        started: float,
        seconds: float,
        key_id: str = "",
        traceparent: str = "",
    ) -> None:
        """Write a request's line.

        Args:
            request_id: Checked or made by the door: letters, digits, ``.``, ``_``, ``-``.
            method: HTTP method.
            route: The route's template, never the path that was sent; empty where none matched.
            status: Status answered.
            started: Moment, seconds since the epoch.
            seconds: How long it took.
            key_id: Who called, never the key: letters, digits, ``.``, ``_``, ``-``; empty for nobody who is known.
            traceparent: The caller's place in a W3C trace, checked by the door; empty for none, and then left out.
        """
        if not self._enabled:
            return
        whole = int(started)
        moment = self._second(whole), (started - whole) * 1000
        trace = f', "traceparent": "{traceparent}"' if traceparent else ""
        self._lines.append(
            _LINE % (*moment, request_id, self._quoted(method), route, status, seconds * 1000, key_id, trace)
        )
        if len(self._lines) == 1:
            self._later(self._flush)

    def _flush(self) -> None:
        lines = "".join(self._lines)
        self._lines.clear()
        self._write(lines)


_LINE = (
    '{"time": "%s.%03dZ", "level": "info", "event": "request", "request_id": "%s", "method": %s, "route": "%s", '
    '"status": %d, "duration_ms": %.3f, "key_id": "%s"%s}\n'
)
