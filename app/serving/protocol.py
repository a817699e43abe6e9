"""The protocol: one HTTP/1.1 connection, with limits on what it may take and on how long it may take it."""

import asyncio
import socket
import struct
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp

from app.problem_types import TIMEOUT, ProblemType
from app.rest.problems import REFUSED, RequestRejected
from app.rest.responses import Header
from app.serving.early_response import early_response
from app.serving.fair_start import CROWD, FairStart
from app.serving.incoming import IncomingRequests
from app.serving.limits import READ_BUFFER_BYTES, ConnectionLimits
from app.serving.outgoing import OutgoingResponses
from app.serving.timeouts import Phase, PhaseTimer
from app.serving.uvicorn_internals import FlowControl, RequestResponseCycle, ServerState
from app.serving.write_coalescing import CoalescingTransport

if sys.platform == "linux":
    import fcntl
    import termios

_RESET = struct.pack("ii", 1, 0)


@dataclass(slots=True)
class ConnectionContext:
    """What all connections of a server share."""

    app: ASGIApp
    """Answers the requests."""
    limits: ConnectionLimits
    """What a connection may take."""
    state: ServerState
    """uvicorn's record of connections, tasks and default headers."""
    loop: asyncio.AbstractEventLoop
    """The event loop of the server."""
    fair_start: FairStart
    """Limits how many requests begin in one turn of the event loop."""
    on_rejected: Callable[[ProblemType], None] = lambda problem_type: None
    """Called for each request that is rejected before the application sees it."""
    cors_headers: Callable[[Sequence[Header]], Iterable[Header]] = lambda headers: ()
    """Returns the CORS headers of a rejection, from the headers of its request as far as they are known."""
    app_state: dict[str, Any] = field(default_factory=dict)
    """State from the application's lifespan; each request gets a copy."""
    retiring: bool = False
    """Whether the server is shutting down: each response then closes its connection."""


class BoundedHttpProtocol(asyncio.Protocol):
    """One connection: joins what arrives, what goes out and the time that it may take."""

    _flow: FlowControl
    _incoming: IncomingRequests
    _outgoing: OutgoingResponses
    _transport: CoalescingTransport

    def __init__(self, context: ConnectionContext) -> None:
        """Initialize the connection.

        Args:
            context: What all connections of the server share.
        """
        self._context = context
        self._timer = PhaseTimer(context.limits)
        self._idle_after = 0  # number of requests when the connection was last found idle
        self._is_all_taken = False
        self._descriptor: int | None = None  # of the socket; uvloop takes 15 us to tell it
        self._reading_closed = False  # what still arrives is ignored; the connection ends with the responses due
        self._delayed = b""  # data that wait for their turn in a crowd

    # Events of the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over a new connection."""
        context = self._context
        self._transport = CoalescingTransport(transport, context.loop)  # type: ignore[arg-type]
        self._flow = FlowControl(self._transport)  # type: ignore[arg-type]
        self._outgoing = OutgoingResponses(
            context.app, context.state, self._transport, self._flow, context.loop, self._response_complete
        )
        scope = {
            "type": "http",
            "server": _address(transport, "sockname"),
            "client": _address(transport, "peername"),
            "scheme": "http",
            "root_path": "",
            "state": context.app_state,
        }
        self._incoming = IncomingRequests(context.limits, self._flow, scope, self._begin)
        context.state.connections.add(self)  # type: ignore[arg-type]

    def data_received(self, data: bytes) -> None:
        """Read what has arrived, at once or, in a crowd, when its turn comes."""
        if self._reading_closed:
            return
        if self._delayed:
            self._delayed += data
            if len(self._delayed) > READ_BUFFER_BYTES:
                self._flow.pause_reading()
        elif len(self._context.state.connections) > CROWD and self._incoming.request is None:
            self._delayed = data
            self._context.fair_start.enter(data, self._read_delayed)
        else:
            self._read(data)

    def eof_received(self) -> bool:
        """Handle the end of the client's data.

        Returns:
            Whether the connection stays open for responses that are due.
        """
        self._read_delayed()
        self._reading_closed = True
        if self._outgoing.are_due(self._incoming.request):
            return True
        self._transport.close()  # sends what the transport still holds
        return False

    def pause_writing(self) -> None:
        """Handle a client that reads more slowly than the application writes."""
        self._flow.pause_writing()

    def resume_writing(self) -> None:
        """Handle a client that has caught up."""
        self._flow.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the application that the client is gone."""
        self._context.state.connections.discard(self)
        self._delayed = b""
        self._reading_closed = True
        self._outgoing.disconnect()
        self._flow.resume_writing()
        self._incoming.close()

    # Requests and responses

    def _read_delayed(self) -> None:
        data, self._delayed = self._delayed, b""
        if data and not self._reading_closed and not self._transport.is_closing():
            self._flow.resume_reading()
            self._read(data)

    def _read(self, data: bytes) -> None:
        try:
            self._incoming.feed(data)
        except RequestRejected as rejection:
            self._reject(rejection.problem_type)

    def _begin(self, scope: dict[str, Any], keep_alive: bool, expect_100_continue: bool) -> RequestResponseCycle:
        context = self._context
        keep_alive = keep_alive and not context.retiring
        return self._outgoing.begin(scope, keep_alive, expect_100_continue, context.limits.pipelined)

    def _response_complete(self) -> None:
        """Go on with the next request, or end the connection if no more is read."""
        self._context.state.total_requests += 1
        if self._transport.is_closing():
            self._outgoing.running = None
            return
        self._flow.resume_reading()
        if not self._outgoing.next() and self._reading_closed:
            self._transport.close()

    def _reject(self, problem_type: ProblemType) -> None:
        """Stop reading, and say why unless responses are due: the client would take this one for one of them."""
        self._reading_closed = True
        request = self._incoming.request
        if self._outgoing.are_due(request):
            return
        if request is None or not request.response_started:
            known = self._incoming.headers if request is None else list(request.scope["headers"])
            headers = *self._context.state.default_headers, *self._context.cors_headers(known)
            self._transport.write(early_response(problem_type, headers))
            if request is None:
                self._context.on_rejected(problem_type)
            else:
                request.scope["state"][REFUSED] = problem_type  # for the access log, which sees a client that hung up
        self._transport.close()

    # Time

    @property
    def phase(self) -> Phase:
        """What the connection is waiting for."""
        if self._transport.is_closing():
            return Phase.CLOSING
        if self._flow.write_paused:
            return Phase.WRITING
        incoming = self._incoming
        if incoming.in_head:
            return Phase.HEAD
        if incoming.request is not None:
            return Phase.BODY
        if self._outgoing.running is not None or self._delayed:
            return Phase.WORK
        return Phase.IDLE if incoming.count else Phase.NEW

    def check_timeout(self, now: float, interval: float) -> None:
        """Close the connection if it has been in its phase for too long; see `PhaseTimer.expired`."""
        phase, unread = self.phase, 0
        if phase is Phase.IDLE:
            unread = self._unread_of_idle()
            phase = Phase.WRITING if unread else phase
        elif phase is Phase.WRITING or phase is Phase.CLOSING:
            unread = self._unread()
        if not self._timer.expired(phase, self._incoming.count, unread, now, interval):
            return
        if phase is Phase.HEAD or phase is Phase.BODY:
            self._reject(TIMEOUT)
        elif phase is Phase.WRITING or phase is Phase.CLOSING:
            self.abort()
        else:
            self._transport.close()

    def _unread_of_idle(self) -> int:
        """Bytes that the client of an idle connection has not taken.

        Asking the kernel costs microseconds. It is asked when the connection is found idle for a second time, and again
        until the client has taken everything: an idle connection gets no new bytes.
        """
        if self._idle_after != self._incoming.count:
            self._idle_after, self._is_all_taken = self._incoming.count, False
        elif not self._is_all_taken:
            unread = self._unread()
            self._is_all_taken = not unread
            return unread
        return 0

    # The end

    def _unread(self) -> int:
        """Bytes that the client has not taken, here and, on Linux, in the kernel."""
        try:
            here: int = self._transport.get_write_buffer_size()
        except RuntimeError:  # uvloop has closed the connection already
            return 0
        if sys.platform != "linux":
            return here
        try:
            if self._descriptor is None:
                self._descriptor = self._transport.get_extra_info("socket").fileno()
            queued = fcntl.ioctl(self._descriptor, termios.TIOCOUTQ, bytes(4))
        except (AttributeError, OSError):  # no socket, or the client is gone already
            return here
        return here + int.from_bytes(queued, sys.byteorder)

    def abort(self) -> None:
        """Reset the connection: otherwise the kernel would keep what the client does not read."""
        if self._outgoing.running is not None:
            self._outgoing.running.disconnected = True  # what the application still sends is dropped
        self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()

    def retire(self) -> None:
        """Close after the responses that are due, if any are."""
        self._outgoing.close_after_last()

    def shutdown(self) -> None:
        """Close once complete requests have been answered. An incomplete request gets no response."""
        self._read_delayed()
        self._reading_closed = True
        if not self._outgoing.are_due(self._incoming.request):
            self._transport.close()


def _address(transport: asyncio.BaseTransport, name: str) -> tuple[str, int] | None:
    try:
        address = transport.get_extra_info(name)
    except OSError:  # the client is gone already
        return None
    return (address[0], address[1]) if isinstance(address, tuple) else None
