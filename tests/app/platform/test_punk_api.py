"""A beer API that is hostile: a client neither waits nor reads without end."""

import json
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.platform import punk_api
from app.platform.punk_api import ApiError, PunkApi

DRIP_S = 0.02
Answer = Callable[[socket.socket], None]


@contextmanager
def served(answer: Answer) -> Iterator[str]:
    """A server that gives each connection to a function, and ends it afterwards."""
    closing = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            while not closing.is_set():
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    try:
                        connection.recv(65536)
                        answer(connection)
                    except OSError:
                        pass  # the client has gone

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            closing.set()
            listening.shutdown(socket.SHUT_RDWR)
            thread.join()


def _drip(connection: socket.socket, start: bytes, piece: bytes) -> None:
    connection.sendall(start)
    while True:
        connection.sendall(piece)
        time.sleep(DRIP_S)


@pytest.mark.parametrize(
    ("start", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n[", b" "),
        (b"HTTP/1.1 200 OK\r\n\r\n[", b" "),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n[\r\n"),
        (b"HTTP/1.1 200 OK\r\nX-Header: ", b"x"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["body", "body without a length", "chunks", "header", "100 Continue"],
)
def test_an_answer_that_drips_is_given_up(start: bytes, piece: bytes) -> None:
    began, threads = time.monotonic(), threading.active_count()
    with served(lambda connection: _drip(connection, start, piece)) as address:
        api = PunkApi(address, page_s=5 * DRIP_S, pause=lambda _: None)
        with pytest.raises(ApiError, match=r"page 1: no whole answer within 0\.1 s \(4 attempts"):
            list(api.beers())
    assert time.monotonic() - began < 10 and threading.active_count() < threads + 10


def test_gigabytes_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(punk_api, "MAX_PAGE_BYTES", 500_000)
    start = b"HTTP/1.1 200 OK\r\nContent-Length: 4000000000\r\n\r\n["

    def flood(connection: socket.socket) -> None:
        connection.sendall(start)
        while True:
            connection.sendall(b"{}," * 20_000)

    with served(flood) as address:
        tracemalloc.start()
        try:
            with pytest.raises(ApiError, match="page 1: larger than 500000 bytes"):
                list(PunkApi(address).beers())
            assert tracemalloc.get_traced_memory()[1] < 5_000_000
        finally:
            tracemalloc.stop()


@pytest.mark.parametrize("body", [b"null", b'"beer"', b"7", b'{"beers": []}', b"", b"[1", b"\xff\xfe", b"[" * 10**6])
def test_what_is_no_array_is_an_error(body: bytes) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    with served(lambda connection: connection.sendall(head + body)) as address, pytest.raises(ApiError, match="not"):
        PunkApi(address, pause=lambda _: None).random()


def test_a_page_that_comes_again_is_an_error_also_if_it_is_not_equal_to_itself() -> None:
    body = json.dumps([{"id": float("nan")}]).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    with served(lambda connection: connection.sendall(head + body)) as address:
        with pytest.raises(ApiError, match="page 2: same rows"):
            list(PunkApi(address, pause=lambda _: None).beers())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=6), st.sampled_from([None, 0, 3]), st.booleans())
def test_the_rows_of_a_page_are_its_elements(page: list[object], indent: int | None, escaped: bool) -> None:
    body = json.dumps(page, indent=indent, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
    rows = list(punk_api._rows(body, "page 1"))
    assert [row.value for row in rows] == page == [json.loads(row.text) for row in rows]
