"""Client of a beer API in the shape of the Punk API: pages of beers, or one at random. Training reads such an API, too.

Standard library alone, because the cloud function's zip has no HTTP client.
"""

import base64
import hashlib
import json
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, InvalidURL
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from app.errors import BeerModelError

PER_PAGE = 80
"""Beers a page: the Punk API's maximum."""
TIMEOUT_S = 10.0
PAGE_S = 60.0
"""Time for a whole answer: a server that sends a byte now and then passes the timeout of each read."""
ATTEMPTS = 4
FIRST_PAUSE_S = 0.5
"""Pause before the second attempt; each further pause is twice as long."""
MAX_PAGE_BYTES = 8_000_000
"""Maximum size of a page. A page of the Punk API has 0.1 MB; 8 MB of ``[{},{},...`` take 200 MB when they are read."""
MAX_PAGES = 10_000
RETRIED = (408, 429)
"""Statuses that are retried besides 5xx."""
_PIECE = 1 << 16


_SPACE = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()


class Row(NamedTuple):
    """An element of a page."""

    value: object
    """The beer: an object, unless the API is not one of beers."""
    text: str
    """Its JSON, unchanged."""


class ApiError(BeerModelError):
    """A page cannot be read; the message names it and the reason."""


class _Transient(Exception):
    """An attempt failed, and the next one may succeed."""


def _go_on() -> None:
    """Check nothing."""


class PunkApi:
    """Reads ``GET {address}/beers?page=N&per_page=80`` from page 1 up to the first empty page.

    Redirects are errors, and the environment's proxies are ignored. Transport errors, timeouts, incomplete bodies and
    the statuses 408, 429 and 5xx are retried.
    """

    def __init__(
        self,
        address: str,
        *,
        timeout_s: float = TIMEOUT_S,
        page_s: float = PAGE_S,
        pause: Callable[[float], None] = time.sleep,
        check: Callable[[], None] = _go_on,
    ) -> None:
        """Initialize the client.

        Args:
            address: ``http://`` or ``https://`` address, with or without ``/beers`` at its end; a query is ignored.
            timeout_s: Timeout of connecting and of each read.
            page_s: Time for a whole answer, from the request on.
            pause: Sleeps between attempts, in seconds.
            check: Called before each read; its exceptions are passed on.
        """
        self._base = address.split("?", 1)[0].rstrip("/").removesuffix("/beers")
        self._timeout_s = timeout_s
        self._page_s = page_s
        self._pause = pause
        self._check = check
        self._headers = _headers(self._base)
        self._connection: HTTPConnection | None = None

    def beers(self) -> Iterator[Row]:
        """Yield the rows of all pages, as they come.

        Raises:
            ApiError: If a page cannot be read, is not a JSON array or repeats.
        """
        previous = b""
        try:
            for page in range(1, MAX_PAGES + 1):
                where, empty = f"page {page}", True
                body = self._body(f"/beers?page={page}&per_page={PER_PAGE}", where)
                for row in _rows(body, where):
                    if empty and hashlib.sha256(body).digest() == previous:
                        raise ApiError(f"{where}: same rows as page {page - 1}; does the server support 'page'?")
                    empty = False
                    yield row
                if empty:
                    return
                previous = hashlib.sha256(body).digest()
        finally:
            self.close()
        raise ApiError(f"page {MAX_PAGES}: not empty; gave up")

    def random(self) -> list[Row]:
        """Return what ``GET {address}/beers/random`` has: one beer in an array.

        Raises:
            ApiError: If it cannot be read or is not a JSON array.
        """
        try:
            return list(_rows(self._body("/beers/random", "random beer"), "random beer"))
        finally:
            self.close()

    def close(self) -> None:
        """Close the connection; the next read opens another one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _body(self, path: str, where: str) -> bytes:
        error = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                self._pause(FIRST_PAUSE_S * 2 ** (attempt - 1))
            self._check()
            try:
                return self._attempt(path, where)
            except _Transient as exception:
                error = str(exception)
                self.close()
        raise ApiError(f"{where}: {error} ({ATTEMPTS} attempts at {urlsplit(self._base).hostname})")

    def _attempt(self, path: str, where: str) -> bytes:
        try:
            connection = self._connection = self._connection or self._open(where)
            if connection.sock is None:
                connection.connect()
            with _ended_after(self._page_s, connection.sock):
                connection.request("GET", urlsplit(self._base).path + path, headers=self._headers)
                with connection.getresponse() as response:
                    body = self._content(response, where)
        except (InvalidURL, UnicodeError):
            raise ApiError(f"{where}: Invalid address") from None
        except (OSError, HTTPException) as exception:
            raise _Transient(str(exception) or type(exception).__name__) from None
        if response.status >= 500 or response.status in RETRIED:
            raise _Transient(f"status {response.status}")
        if not 200 <= response.status < 300:
            raise ApiError(f"{where}: status {response.status}")
        return body

    def _open(self, where: str) -> HTTPConnection:
        parts = urlsplit(self._base)
        try:
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise ApiError(f"{where}: Invalid port") from None
        if parts.scheme == "https":
            return HTTPSConnection(host, port, timeout=self._timeout_s, context=ssl.create_default_context())
        return HTTPConnection(host, port, timeout=self._timeout_s)

    def _content(self, response: HTTPResponse, where: str) -> bytes:
        body = bytearray()
        while piece := response.read1(_PIECE):
            self._check()
            body += piece
            if len(body) > MAX_PAGE_BYTES:
                raise ApiError(f"{where}: larger than {MAX_PAGE_BYTES} bytes")
        if response.length:
            raise _Transient("incomplete body")
        return bytes(body)


@contextmanager
def _ended_after(seconds: float, connected: socket.socket) -> Iterator[None]:
    """End a connection if the block takes longer.

    Raises:
        _Transient: If it took longer.
    """
    late = threading.Event()

    def end() -> None:
        late.set()
        try:
            socket.socket.shutdown(connected, socket.SHUT_RDWR)  # also of TLS, whose own would wait
        except OSError:
            pass  # is closed

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    except (OSError, HTTPException, _Transient):
        if not late.is_set():
            raise
    finally:
        timer.cancel()
    if late.is_set():
        raise _Transient(f"no whole answer within {seconds:g} s")


def _rows(body: bytes, where: str) -> Iterator[Row]:
    """The elements of a JSON array, read one by one once the whole of it is known to be JSON."""
    try:
        text = body.decode(json.detect_encoding(body), "surrogatepass").removeprefix("\ufeff")
        whole = json.loads(text)
        if not isinstance(whole, list):
            raise ApiError(f"{where}: not a JSON array but {type(whole).__name__}")
        del whole
        position = _past_space(text, 0) + 1  # after [
        while text[position := _past_space(text, position)] != "]":
            value, end = _DECODER.raw_decode(text, position)
            yield Row(value, text[position:end])
            position = _past_space(text, end)
            if text[position] == ",":
                position += 1
    except (ValueError, RecursionError) as error:
        raise ApiError(f"{where}: not JSON: {error}") from None


def _past_space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _headers(address: str) -> dict[str, str]:
    """The headers of each request, with the name and password that an address may have."""
    headers = {"Accept": "application/json", "User-Agent": "beer-model"}
    parts = urlsplit(address)
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return headers
