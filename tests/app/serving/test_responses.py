"""Responses as bytes on a connection: heads, chunks, and headers that would break their line."""

import asyncio
from collections.abc import Sequence

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.server import ServerState

from app.rest.responses import Header
from app.serving.config import BoundedConfig
from app.serving.limits import Bounds
from app.serving.protocol import BoundedHttpProtocol

pytestmark = pytest.mark.anyio
LENGTH = (b"content-length", b"4")
BROKEN = [
    (b"x-name", b"value\r\nset-cookie: a=b"),
    (b"x-name", b"value\nset-cookie: a=b"),
    (b"x-name", b"value\r"),
    (b"x-name", b"\0"),
    (b"x-name: value\r\nset-cookie", b"a=b"),
]


def answering(*headers: Header) -> ASGIApp:
    """An application that answers ``beer`` with these headers."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": list(headers)})
        await send({"type": "http.response.body", "body": b"be", "more_body": True})
        await send({"type": "http.response.body", "body": b"er"})

    return app


async def answers(app: ASGIApp, *requests: bytes) -> bytes:
    """All that the program says to requests on one connection, the last of which ends it."""
    config = BoundedConfig(app, Bounds(), lifespan="off")
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: BoundedHttpProtocol(config, state, {}), "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"".join(requests))
        told = await asyncio.wait_for(reader.read(), 10)
        writer.close()
    return told


def get(*headers: bytes, method: bytes = b"GET") -> bytes:
    return method + b" / HTTP/1.1\r\n" + b"".join(header + b"\r\n" for header in headers) + b"\r\n"


async def test_a_response_of_known_length_has_no_chunks() -> None:
    told = await answers(answering(LENGTH, (b"x-name", b"value")), get(), get(b"Connection: close"))
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nx-name: value\r\n"
    assert told == head + b"\r\nbeer" + head + b"connection: close\r\n\r\nbeer"


@pytest.mark.parametrize(
    ("headers", "written"),
    [
        ([], b"transfer-encoding: chunked\r\n\r\n2\r\nbe\r\n2\r\ner\r\n0\r\n\r\n"),
        ([LENGTH, (b"connection", b"close")], b"content-length: 4\r\nconnection: close\r\n\r\nbeer"),
    ],
)
async def test_chunks_and_explicit_close(headers: Sequence[Header], written: bytes) -> None:
    closing = get() if headers else get(b"Connection: close")
    told = await answers(answering(*headers), closing)
    assert told.replace(b"connection: close\r\ntransfer", b"transfer").endswith(written)
    assert told.count(b"connection: close\r\n") == 1


async def test_a_response_to_head_has_no_body() -> None:
    told = await answers(answering(LENGTH), get(b"Connection: close", method=b"HEAD"))
    assert told == b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\n"


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("others", [[LENGTH], []])
async def test_a_header_that_breaks_its_line_is_never_sent(broken: Header, others: Sequence[Header]) -> None:
    assert await answers(answering(*others, broken), get(b"Connection: close")) == b""
