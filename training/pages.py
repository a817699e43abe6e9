"""The Punk API's paginated endpoint, read page by page with timeouts and retries."""

import json
import time
from collections.abc import Callable
from http.client import HTTPException, IncompleteRead
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPDefaultErrorHandler, HTTPErrorProcessor, HTTPHandler, HTTPSHandler, OpenerDirector

from training.errors import SourceError

PER_PAGE = 80
"""The largest page that the Punk API gives."""
TIMEOUT_S = 10.0
ATTEMPTS = 4
LARGEST_PAGE = 64 * 1024 * 1024
MOST_PAGES = 10_000


def read_pages(address: str, *, timeout_s: float = TIMEOUT_S, pause: Callable[[float], None] = time.sleep) -> list[Any]:
    """Read ``GET {address}/beers?page=N&per_page=80`` from page 1 until an empty page.

    Args:
        address: ``http://`` or ``https://`` address, with or without the closing ``/beers``.
        timeout_s: Longest wait for the connection and for each read.
        pause: Waits between attempts: 0.5 s, then twice as long each time.

    Returns:
        The rows of all pages in order.

    Raises:
        SourceError: A page cannot be had, is not a JSON array, or comes again and again; the message names the page.
    """
    base = address.split("?", 1)[0].rstrip("/").removesuffix("/beers")
    rows: list[Any] = []
    last: list[Any] = []
    for page in range(1, MOST_PAGES + 1):
        body = _page(f"{base}/beers?page={page}&per_page={PER_PAGE}", page, timeout_s, pause)
        found = _rows(body, page)
        if not found:
            return rows
        if found == last:
            raise SourceError(f"page {page}: the same rows as page {page - 1}; does the server know 'page'?")
        rows, last = rows + found, found
    raise SourceError(f"page {MOST_PAGES}: still not empty; given up")


def _page(url: str, page: int, timeout_s: float, pause: Callable[[float], None]) -> bytes:
    """One page's body; tries again what may pass: refused, cut off, too slow, too busy."""
    fault = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            pause(0.5 * 2 ** (attempt - 1))
        try:
            with _opener().open(url, timeout=timeout_s) as answer:
                body: bytes = answer.read(LARGEST_PAGE + 1)
                if len(body) <= LARGEST_PAGE and answer.length:
                    raise IncompleteRead(body, answer.length)  # a read of a given size does not look
        except HTTPError as error:
            fault = f"status {error.code}"
            error.close()
            if error.code < 500 and error.code not in (408, 429):
                raise SourceError(f"page {page}: {fault}") from None
        except (URLError, OSError, HTTPException) as error:
            fault = str(getattr(error, "reason", None) or error) or type(error).__name__
        else:
            if len(body) > LARGEST_PAGE:
                raise SourceError(f"page {page}: larger than {LARGEST_PAGE} bytes")
            return body
    raise SourceError(f"page {page}: {fault} ({ATTEMPTS} attempts at {urlsplit(url).hostname})")


def _opener() -> OpenerDirector:
    """An opener that knows http and https only: no file:, no ftp:, no proxy of the environment, no redirect."""
    opener = OpenerDirector()
    for handler in (HTTPHandler(), HTTPSHandler(), HTTPErrorProcessor(), HTTPDefaultErrorHandler()):
        opener.add_handler(handler)
    return opener


def _rows(body: bytes, page: int) -> list[Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"page {page}: not JSON: {error}") from None
    if not isinstance(found, list):
        raise SourceError(f"page {page}: not a JSON array but {type(found).__name__}")
    return found
