"""Recipes from an HTTP API with pages, such as the Punk API."""

import json
import ssl
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit, urlunsplit

import httpx

from training.errors import SourceError
from training.sources.base import Recipe, TrainingSource
from training.sources.recipes import recipe

PER_PAGE = 80
"""Recipes a page: the Punk API's maximum."""
TIMEOUT_S = 10.0
ATTEMPTS = 4
FIRST_PAUSE_S = 0.5
"""Pause before the second attempt; each further pause is twice as long."""
MAX_PAGE_BYTES = 64 * 1024 * 1024
MAX_PAGES = 10_000
RETRIED = (408, 429)
"""Statuses that are retried besides 5xx."""


class HttpPages(TrainingSource):
    """Reads ``GET {address}/beers?page=N&per_page=80`` from page 1 up to the first empty page.

    Redirects and the environment's proxies are ignored. Transport errors, timeouts, incomplete bodies and the statuses
    408, 429 and 5xx are retried.
    """

    def __init__(
        self, address: str, *, timeout_s: float = TIMEOUT_S, pause: Callable[[float], None] = time.sleep
    ) -> None:
        """Initialize the source.

        Args:
            address: ``http://`` or ``https://`` address, with or without ``/beers`` at its end.
            timeout_s: Timeout of connecting and of each read.
            pause: Sleeps between attempts, in seconds.
        """
        parts = urlsplit(address)
        self.name = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
        self._host = parts.hostname
        self._base = address.split("?", 1)[0].rstrip("/").removesuffix("/beers")
        self._timeout_s = timeout_s
        self._pause = pause

    def recipes(self) -> Iterator[Recipe]:
        """Yield the recipes of all pages.

        Raises:
            SourceError: If a page cannot be read, is not a JSON array or repeats; the message names the page.
        """
        for number, row in enumerate(self._rows(), 1):
            if not isinstance(row, dict):
                raise SourceError(f"{self.name}: row {number} is not a recipe but {type(row).__name__}")
            yield recipe(row)

    def _rows(self) -> Iterator[object]:
        # The system's certificates; httpx would use its own.
        tls, previous = ssl.create_default_context(), None
        with httpx.Client(timeout=self._timeout_s, trust_env=False, verify=tls) as client:
            for page in range(1, MAX_PAGES + 1):
                rows = _parsed(self._body(client, page), page)
                if not rows:
                    return
                if rows == previous:
                    raise SourceError(f"page {page}: same rows as page {page - 1}; does the server support 'page'?")
                yield from rows
                previous = rows
        raise SourceError(f"page {MAX_PAGES}: not empty; gave up")

    def _body(self, client: httpx.Client, page: int) -> bytes:
        url, error = f"{self._base}/beers?page={page}&per_page={PER_PAGE}", ""
        for attempt in range(ATTEMPTS):
            if attempt:
                self._pause(FIRST_PAUSE_S * 2 ** (attempt - 1))
            try:
                with client.stream("GET", url) as response:
                    if response.is_success:
                        return _content(response, page)
            except httpx.TransportError as exception:
                error = str(exception) or type(exception).__name__
                continue
            except (httpx.HTTPError, httpx.InvalidURL) as exception:
                raise SourceError(f"page {page}: {exception}") from None
            error = f"status {response.status_code}"
            if not response.is_server_error and response.status_code not in RETRIED:
                raise SourceError(f"page {page}: {error}")
        raise SourceError(f"page {page}: {error} ({ATTEMPTS} attempts at {self._host})")


def _content(response: httpx.Response, page: int) -> bytes:
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > MAX_PAGE_BYTES:
            raise SourceError(f"page {page}: larger than {MAX_PAGE_BYTES} bytes")
    return bytes(body)


def _parsed(body: bytes, page: int) -> list[object]:
    try:
        rows = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"page {page}: not JSON: {error}") from None
    if not isinstance(rows, list):
        raise SourceError(f"page {page}: not a JSON array but {type(rows).__name__}")
    return rows
