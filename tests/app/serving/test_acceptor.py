"""The acceptor: keeps pace with open connections, survives a lack of file descriptors, leaves none in the kernel."""

import asyncio
import errno
import socket
from collections.abc import Iterator

import pytest
from starlette.types import Receive, Scope, Send

from app.rest.responses import respond
from app.serving.acceptor import MIN_ACCEPTED, PAUSE_SECONDS, Acceptor
from app.serving.limits import ConnectionLimits
from app.serving.server import BoundedServer
from app.serving.sockets import listen
from tests.live.raw import read_until, statuses

QUEUED = 30
REQUEST = b"GET / HTTP/1.1\r\nHost: beer\r\n\r\n"


class Greeting(asyncio.Protocol):
    """Sends a word and closes."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the word."""
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(b"taken")
        transport.close()


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """A listening socket."""
    with listen("127.0.0.1", 0) as opened:
        yield opened


@pytest.fixture
def queued(listening: socket.socket) -> Iterator[list[socket.socket]]:
    """Clients that wait in the kernel; each has sent a request."""
    clients = [socket.create_connection(listening.getsockname(), 5) for _ in range(QUEUED)]
    for client in clients:
        client.sendall(REQUEST)
    yield clients
    for client in clients:
        client.close()


@pytest.mark.anyio
@pytest.mark.parametrize(("open_now", "accepted"), [(0, MIN_ACCEPTED), (40, MIN_ACCEPTED + 10), (4000, QUEUED)])
async def test_more_open_connections_accept_more_at_a_time(
    listening: socket.socket, queued: list[socket.socket], open_now: int, accepted: int
) -> None:
    acceptor = Acceptor(listening, Greeting, lambda: open_now)
    acceptor._accept()
    assert len(acceptor._starting) == accepted
    await asyncio.wait(acceptor._starting)


@pytest.mark.anyio
async def test_closing_accepts_the_connections_that_wait_in_the_kernel(
    listening: socket.socket, queued: list[socket.socket]
) -> None:
    acceptor = Acceptor(listening, Greeting, lambda: 0)
    acceptor.close()
    await asyncio.wait(acceptor._starting)
    assert [await asyncio.to_thread(client.recv, 10) for client in queued] == [b"taken"] * QUEUED


@pytest.mark.anyio
async def test_without_file_descriptors_the_acceptor_pauses_and_resumes() -> None:
    class Exhausted(socket.socket):
        calls = 0

        def accept(self) -> tuple[socket.socket, object]:
            Exhausted.calls += 1
            if Exhausted.calls == 1:
                raise OSError(errno.EMFILE, "too many open files")
            return super().accept()

    with Exhausted() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        acceptor = Acceptor(listening, Greeting, lambda: 0)
        acceptor.start()
        with socket.create_connection(listening.getsockname(), 5) as client:
            assert await asyncio.wait_for(asyncio.to_thread(client.recv, 10), 20 * PAUSE_SECONDS) == b"taken"
        acceptor.close()


def test_an_immediate_shutdown_answers_connections_that_wait_in_the_kernel(
    listening: socket.socket, queued: list[socket.socket]
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, 200, b"")

    server = BoundedServer(app, ConnectionLimits(), 5.0, lifespan="off")
    server._on_start = lambda: setattr(server, "should_exit", True)
    server.run([listening])
    answers = [read_until(client) for client in queued]
    assert [statuses(answer) for answer in answers] == [[200]] * QUEUED
    assert all(b"connection: close" in answer for answer in answers)
