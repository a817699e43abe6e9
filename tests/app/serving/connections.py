"""A connection with a fake transport, and applications that answer on it."""

import asyncio
import socket
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from app.problem_types import ProblemType
from app.rest.responses import respond
from app.serving.fair_start import FairStart
from app.serving.limits import ConnectionLimits
from app.serving.protocol import BoundedHttpProtocol, ConnectionContext
from app.serving.uvicorn_internals import ServerState
from tests.live.raw import statuses

ADDRESSES = {"sockname": ("127.0.0.1", 8000), "peername": ("127.0.0.2", 50000)}


class FakeSocket:
    """Records the options that are set."""

    def __init__(self) -> None:
        """Start without options."""
        self.options: list[tuple[Any, ...]] = []

    def setsockopt(self, *option: Any) -> None:
        """Record an option."""
        self.options.append(option)


class FakeTransport(asyncio.Transport):
    """Records what is written, and whether it is open."""

    def __init__(self) -> None:
        """Start open and reading."""
        super().__init__()
        self.writes: list[bytes] = []
        self.closed = self.aborted = self.paused = False
        self.unread = 0
        self.gone = False
        self.socket = FakeSocket()

    def write(self, data: bytes) -> None:  # type: ignore[override]
        """Record a write; after the end, data are lost."""
        if self.gone:
            raise RuntimeError
        if not self.closed:
            self.writes.append(bytes(data))

    def close(self) -> None:
        """Close."""
        self.closed = True

    def abort(self) -> None:
        """Close without sending the rest."""
        self.closed = self.aborted = True

    def is_closing(self) -> bool:
        """Whether it is closed."""
        return self.closed

    def pause_reading(self) -> None:
        """Pause."""
        self.paused = True

    def resume_reading(self) -> None:
        """Resume."""
        self.paused = False

    def get_write_buffer_size(self) -> int:
        """Bytes that the client has not taken; like uvloop's transport, it knows none once the connection is gone."""
        if self.gone:
            raise RuntimeError
        return self.unread

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Addresses and the socket."""
        return self.socket if name == "socket" else ADDRESSES.get(name, default)

    @property
    def reset(self) -> bool:
        """Whether the connection was reset, not closed."""
        lingers = [option[2] for option in self.socket.options if option[:2] == (socket.SOL_SOCKET, socket.SO_LINGER)]
        return self.aborted and lingers == [b"\x01\x00\x00\x00\x00\x00\x00\x00"]


class RecordingApp:
    """Answers each request, once ``open`` is set, with the path and the body; records scopes and disconnects."""

    def __init__(self) -> None:
        """Start open."""
        self.scopes: list[Scope] = []
        self.bodies: list[bytes] = []
        self.disconnects = 0
        self.open = asyncio.Event()
        self.open.set()
        self.reads = True
        """Whether it reads the body before it answers."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        self.scopes.append(scope)
        body = b""
        more = self.reads
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.disconnects += 1
                return
            body += message["body"]
            more = message["more_body"]
        self.bodies.append(body)
        await self.open.wait()
        await respond(send, 200, scope["path"].encode() + b" " + body, b"text/plain")


class Connection:
    """A protocol on a fake transport."""

    def __init__(
        self,
        app: ASGIApp,
        limits: ConnectionLimits | None = None,
        *,
        others: int = 0,
        fair_start: FairStart | None = None,
    ) -> None:
        """Open the connection.

        Args:
            app: Answers the requests.
            limits: The limits; the defaults if None.
            others: Number of other connections of the server.
            fair_start: Shared with other connections; its own if None.
        """
        self.state = ServerState()
        self.state.connections.update(range(others))  # type: ignore[arg-type]
        self.rejected: list[ProblemType] = []
        loop = asyncio.get_running_loop()
        fair_start = FairStart(loop) if fair_start is None else fair_start
        self.context = ConnectionContext(
            app, limits or ConnectionLimits(), self.state, loop, fair_start, self.rejected.append
        )
        self.transport = FakeTransport()
        self.protocol = BoundedHttpProtocol(self.context)
        self.protocol.connection_made(self.transport)

    async def send(self, *pieces: bytes) -> None:
        """Deliver data to the protocol, and let the application run."""
        for piece in pieces:
            self.protocol.data_received(piece)
        await settle()

    @property
    def received(self) -> bytes:
        """Everything that was sent to the client."""
        return b"".join(self.transport.writes)

    @property
    def statuses(self) -> list[int]:
        """The status of each response."""
        return statuses(self.received)


async def settle() -> None:
    """Let everything run that can."""
    for _ in range(30):
        await asyncio.sleep(0)


def get(path: str = "/", *headers: str, method: str = "GET", version: str = "1.1") -> bytes:
    """The bytes of a request without a body."""
    return "\r\n".join([f"{method} {path} HTTP/{version}", "Host: beer", *headers, "", ""]).encode()


def post(body: bytes, path: str = "/", *headers: str, length: int | None = None) -> bytes:
    """The bytes of a request with a body."""
    return get(path, *headers, f"Content-Length: {len(body) if length is None else length}", method="POST") + body
