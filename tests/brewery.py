"""A beer API in the shape of the Punk API, on 127.0.0.1."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class Brewery(ThreadingHTTPServer):
    """A server of pages of rows; before that it causes the given troubles: a status, ``cut``, ``slow`` or a body."""

    def __init__(self, rows: list, troubles: list, unpaged: bool = False, address: tuple = ("127.0.0.1", 0)) -> None:
        super().__init__(address, _Handler)
        self.rows, self.troubles, self.unpaged = rows, troubles, unpaged
        self.requested: list[str] = []
        self.credentials: set[str | None] = set()
        self.closing = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Brewery

    def do_GET(self) -> None:
        self.server.requested.append(self.path)
        self.server.credentials.add(self.headers["Authorization"])
        trouble = self.server.troubles.pop(0) if self.server.troubles else None
        if trouble == "slow":
            self.server.closing.wait(5)
        elif trouble == "cut":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"[")
        elif isinstance(trouble, int):
            self.send_response(trouble)
            self.send_header("Location", "file:///etc/passwd")
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            self._answer(trouble if trouble is not None else self._page())

    def _page(self) -> bytes:
        if self.path.endswith("/beers/random"):
            return json.dumps(self.server.rows[:1]).encode()
        query = parse_qs(urlsplit(self.path).query)
        page = 1 if self.server.unpaged else int(query["page"][0])
        size = int(query["per_page"][0])
        return json.dumps(self.server.rows[(page - 1) * size : page * size]).encode()

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def brewery(rows: list, *troubles: object, unpaged: bool = False) -> Iterator[Brewery]:
    with Brewery(rows, list(troubles), unpaged) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.closing.set()
            server.shutdown()
            thread.join()
