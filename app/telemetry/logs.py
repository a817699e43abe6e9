"""Logs: JSON lines on stderr."""

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
    """Return a time in UTC as RFC 3339 with milliseconds: ``2026-01-31T12:00:00.123Z``.

    Args:
        seconds: Seconds since the epoch.
    """
    whole = int(seconds)
    return f"{_second(whole)}.{int((seconds - whole) * 1000):03d}Z"


def _second(whole: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole))


class JsonFormatter(logging.Formatter):
    """Formats records of the standard library as one line of JSON each."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record: time, level, logger, message and, for an exception, the traceback."""
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
    """Write the records of all loggers to stderr as JSON, without the access logs of uvicorn and mangum.

    Args:
        level: Minimum level.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = name != "uvicorn.access"
    logging.getLogger("mangum.http").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", module=r"PIL\.")  # warnings about clients' pictures


def at_turns_end(job: Callable[[], None]) -> None:
    """Run a function at the end of the current iteration of the event loop."""
    asyncio.get_running_loop().call_soon(job)


class RequestLog:
    """Writes one line for each request; `later` decides how many lines are written at once."""

    def __init__(
        self,
        stream: TextIO | None = None,
        level: str = "INFO",
        later: Callable[[Callable[[], None]], None] = lambda job: job(),
    ) -> None:
        """Initialize the request log.

        Args:
            stream: Text stream to write to; stderr by default.
            level: Minimum level of the log; above INFO, requests are not logged.
            later: Calls the function that writes the collected lines; immediately by default.
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
        """Write the line of a request. Client input never appears in it, except a validated request id and trace.

        Args:
            request_id: Validated or generated id: letters, digits, ``.``, ``_`` and ``-``.
            method: HTTP method.
            route: Template of the route, never the requested path; empty if no route matched.
            status: Status of the response.
            started: Time of the request, seconds since the epoch.
            seconds: Duration, seconds.
            key_id: Id of the API key, never the key: letters, digits, ``.``, ``_`` and ``-``; empty if there is none.
            traceparent: Validated W3C trace context of the client; left out of the line if empty.
        """
        if not self._enabled:
            return
        whole = int(started)
        time_parts = self._second(whole), (started - whole) * 1000
        trace = f', "traceparent": "{traceparent}"' if traceparent else ""
        self._lines.append(
            _LINE % (*time_parts, request_id, self._quoted(method), route, status, seconds * 1000, key_id, trace)
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
