"""Reading ``/metrics`` of a running service."""

import sys
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from urllib.parse import urlsplit

from app.errors import RecordsError

TIMEOUT = 10.0
"""Seconds to wait for the service."""
MAX_BYTES = 64 * 2**20
"""Maximum size of the metrics, bytes; 32,000 series take 5 MB."""
_OK = 200
_STDIN = "-"


def read_metrics(url: str, key_file: Path | None = None) -> str:
    """Read metrics.

    Args:
        url: Address, such as ``http://127.0.0.1:8000/metrics``; ``-``: stdin.
        key_file: File with the API key to send.

    Returns:
        The metrics in the Prometheus text format.

    Raises:
        RecordsError: If they cannot be read.
    """
    if url == _STDIN:
        return sys.stdin.buffer.read(MAX_BYTES).decode("utf-8", "replace")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise RecordsError("--url is no address") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise RecordsError("--url must begin with http:// or https://")
    headers = {}
    try:
        if key_file:
            headers["X-API-Key"] = key_file.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise RecordsError(f"{key_file}: cannot be read: {getattr(error, 'strerror', None) or 'no ASCII'}") from None
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname, port, timeout=TIMEOUT)
    try:
        connection.request("GET", f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}", headers=headers)
        response = connection.getresponse()
        body = response.read(MAX_BYTES + 1)
    except (OSError, HTTPException, ValueError) as error:  # ValueError: a character that a header cannot have
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise RecordsError(f"{parts.hostname}: no answer: {reason}") from None
    finally:
        connection.close()
    if response.status != _OK:
        hint = "; give a key of the scope metrics with --key-file" if response.status in (401, 403) else ""
        raise RecordsError(f"{parts.hostname}: answered with status {response.status}{hint}")
    if len(body) > MAX_BYTES:
        raise RecordsError(f"{parts.hostname}: the metrics are too large")
    return body.decode("utf-8", "replace")
