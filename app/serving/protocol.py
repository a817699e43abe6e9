"""The protocol: uvicorn's HTTP/1.1 with bounds on what a connection may take and on how long it may take it."""

import asyncio
import socket
import struct
from enum import Enum
from typing import TYPE_CHECKING, Any

import httptools
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from app.problem_types import HEADERS_TOO_LARGE, MALFORMED_REQUEST, TIMEOUT, ProblemType
from app.rest.body import CLOSES
from app.rest.problems import REFUSED, RequestRejected
from app.serving.early_response import refusal
from app.serving.fair_start import CROWD
from app.serving.request_head import SMALL_HEAD, check_head, plain_head, split_target
from app.serving.write_coalescing import CoalescingTransport

if TYPE_CHECKING:
    from app.serving.config import BoundedConfig

_RESET = struct.pack("ii", 1, 0)


class Phase(Enum):
    """What a connection is waiting for."""

    SILENT = "its first byte"
    HEAD = "the rest of a request line and headers"
    BODY = "the rest of a body"
    WORK = "the application"
    IDLE = "the next request"
    WRITING = "the client to read its answer"
    CLOSING = "the client to take the last bytes"


class BoundedHttpProtocol(HttpToolsProtocol):
    """A connection. It sets no timers: the server looks at each from time to time, see `watch`."""

    def __init__(self, config: "BoundedConfig", *others: Any, **named: Any) -> None:
        """Initialize the bounded http protocol.

        Args:
            config: With the bounds.
            others: As `HttpToolsProtocol` takes them.
            named: As `HttpToolsProtocol` takes them.
        """
        super().__init__(config, *others, **named)
        self.guard = config
        self.bounds = config.bounds
        self.deaf = False  # what still arrives is not read: this connection ends with the answers that are due
        self._arrived = self._head_bytes = self._body_bytes = self._framing_bytes = 0
        self._plain_head = b""
        self._unread = b""  # what waits at the turnstile
        self._running: RequestResponseCycle | None = None
        self._requests = 0
        self._ended = False  # whether a request has ended in what is being read
        self._seen: tuple[Phase, int] | None = None
        self._since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take over a connection, writing to it through an `CoalescingTransport`."""
        super().connection_made(CoalescingTransport(transport, self.loop))  # type: ignore[arg-type]

    # What arrives

    def data_received(self, data: bytes) -> None:
        """Read what came, at once or when its turn comes."""
        if self.deaf:
            return
        if self._unread:
            self._unread += data
            if len(self._unread) > HIGH_WATER_LIMIT:
                self.flow.pause_reading()
        elif len(self.connections) > CROWD and self._arriving() is None:
            self._unread = data
            self.guard.turnstile(self.loop).enter(data, self._read_on)
        else:
            self._read(data)

    def _read_on(self) -> None:
        """Read what waited."""
        data, self._unread = self._unread, b""
        if data and not self.deaf and not self.transport.is_closing():
            self.flow.resume_reading()
            self._read(data)

    def _read(self, data: bytes) -> None:
        """Parse, within the bounds."""
        self._arrived = len(data)
        self._ended = False
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._stay(data, upgrade.args[0])
        except httptools.HttpParserError as error:
            cause = error.__context__
            self._refuse(cause.problem_type if isinstance(cause, RequestRejected) else MALFORMED_REQUEST)
        else:
            cycle = self.cycle
            if self._between and self._ended:
                return  # whole requests came, and nothing of the next
            if cycle is None or cycle.scope is not self.scope:  # type: ignore[redundant-expr]
                self._head_bytes += self._arrived
                if self._head_bytes > self.bounds.head_bytes:
                    self._refuse(HEADERS_TOO_LARGE)
            elif cycle.more_body:
                self._framing_bytes += self._arrived
                if self._framing_bytes > self.bounds.head_bytes + self._body_bytes:
                    self._refuse(MALFORMED_REQUEST)  # chunks of a byte, endless extensions or trailers

    def _stay(self, data: bytes, end: int) -> None:
        """Take the request up again without its wish to change the protocol; the parser grants it and drops the body.

        Java's HTTP client sends that wish (h2c) with its first request, whatever the method.

        Args:
            data: What came, ...
            end: ... and where in it the head ends.
        """
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._read(self._plain_head + data[end:])

    def on_message_complete(self) -> None:
        """Tell the application that the body is whole."""
        if not self.parser.should_upgrade():
            self._ended = True
            self.cycle.more_body = False
            if self.cycle.response_complete:
                self._forget()
            else:
                self.cycle.message_event.set()

    def on_chunk_header(self) -> None:
        """Refuse what is coded otherwise than in chunks alone: who stands in front may read it differently."""
        if self._body_bytes == 0:
            codings = [value.strip().lower() for name, value in self.scope["headers"] if name == b"transfer-encoding"]
            if codings != [b"chunked"]:
                raise RequestRejected(MALFORMED_REQUEST)

    def on_headers_complete(self) -> None:
        """Start the request, unless its head breaks a bound."""
        if self.parser.should_upgrade():
            self._plain_head = plain_head(self.parser.get_method(), self.url, self.headers)
            return
        if self._arrived + self._head_bytes > SMALL_HEAD:
            self._arrived -= check_head(self.url, self.headers, self.bounds) - self._head_bytes
        if len(self.pipeline) >= self.bounds.pipelined:
            raise RequestRejected(MALFORMED_REQUEST)
        self._begin()
        self.headers = []  # trailers go here, not among the headers that were checked
        self._head_bytes = self._body_bytes = self._framing_bytes = 0

    def _begin(self) -> None:
        """Start the request as uvicorn does, or let it wait behind the one that is in work."""
        parser, scope = self.parser, self.scope
        version = parser.get_http_version()
        scope["method"] = parser.get_method().decode("ascii")
        scope["http_version"] = version
        scope["path"], scope["raw_path"], scope["query_string"] = split_target(self.url)
        self._requests += 1
        before = self.cycle
        self.cycle = RequestResponseCycle(
            scope=scope,
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=self.expect_100_continue,
            keep_alive=version != "1.0" and parser.should_keep_alive() and not self.guard.retiring,
            on_response=self.on_response_complete,
        )
        if not self.cycle.keep_alive:
            scope["state"][CLOSES] = True
        if before is None or before.response_complete:  # type: ignore[redundant-expr]
            self._start_asgi_task(self.cycle, self.app)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((self.cycle, self.app))

    def on_body(self, body: bytes) -> None:
        """Hand a piece of the body on, or drop it where the answer is out already."""
        cycle = self.cycle
        self._body_bytes += len(body)
        self._arrived -= len(body)  # what is left are heads and framing
        if cycle.response_complete:
            if self._body_bytes > self.bounds.dropped_bytes:
                self.deaf = True
                self.transport.close()
            return
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        cycle.message_event.set()

    def eof_received(self) -> bool:  # type: ignore[override]
        """A client that has sent all it will send still gets the answers that are due.

        Returns:
            Whether the connection stays open for them.
        """
        self._read_on()
        self.deaf = True
        if self._answers_are_due():
            return True
        self.transport.close()  # with what the outbox still holds
        return False

    # What goes out

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the application, also where more requests wait behind the one that is running."""
        super().connection_lost(exc)
        self._unread = b""
        self.pipeline.clear()
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()

    def on_response_complete(self) -> None:
        """Go on with the next request, or end; without the timer that uvicorn sets here."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        elif self.deaf:
            self.transport.close()
        else:
            self._forget()

    def _forget(self) -> None:
        """Keep nothing of a request that is over: the next, whosever it is, takes its memory while the core has it."""
        cycle = self.cycle
        if cycle.response_complete and not cycle.more_body:
            if cycle.scope is self.scope:
                self.scope = None  # type: ignore[assignment]
            self.cycle = self._running = None  # type: ignore[assignment]

    def _answers_are_due(self) -> bool:
        """Whether whole requests wait for their answers; one behind them that is not whole is forgotten."""
        cycle = self.cycle
        if cycle is None or cycle.response_complete:  # type: ignore[redundant-expr]
            return False
        if cycle.more_body:
            if not self.pipeline:
                return False
            self.pipeline.popleft()
        return True

    def _refuse(self, problem_type: ProblemType) -> None:
        self.deaf = True
        if self._answers_are_due():
            return  # a refusal now would be taken for the answer to an earlier request
        begun = self._arriving()
        if begun is None or not begun.response_started:
            self.transport.write(refusal(problem_type, self.server_state.default_headers))
            if begun is None:
                self.guard.on_unread(problem_type)
            else:
                begun.scope["state"][REFUSED] = problem_type  # for the record, which knows it as a client that hung up
        self.transport.close()

    def _arriving(self) -> RequestResponseCycle | None:
        """The request that the application has begun and whose body is arriving."""
        cycle = self.cycle
        if cycle is None or cycle.scope is not self.scope:  # type: ignore[redundant-expr]
            return None
        return cycle if cycle.more_body else None

    # Time

    @property
    def phase(self) -> Phase:
        """What the connection is waiting for."""
        cycle = self.cycle
        if self.transport.is_closing():
            return Phase.CLOSING
        if self.flow.write_paused:
            return Phase.WRITING
        if self._between:
            idle = Phase.IDLE if self._requests else Phase.SILENT
            return Phase.WORK if self._unread else idle
        if cycle is None or cycle.scope is not self.scope:  # type: ignore[redundant-expr]
            return Phase.HEAD
        return Phase.BODY if cycle.more_body else Phase.WORK

    @property
    def _between(self) -> bool:
        """Whether nothing of a request is here, but perhaps at the turnstile."""
        return self.scope is None

    def watch(self, now: float, slack: float) -> None:
        """Close the connection if it has waited for one thing for too long.

        Args:
            now: The loop's time, seconds.
            slack: Seconds by which this may be seen too late, once at each end.
        """
        seen = self.phase, self._requests
        if seen != self._seen:
            self._seen, self._since = seen, now
        elif now - self._since >= self._patience(seen[0]) - 2 * slack:
            self._expire(seen[0])

    def _patience(self, phase: Phase) -> float:
        if phase is Phase.WORK:
            return float("inf")
        if phase is Phase.SILENT or phase is Phase.HEAD:
            return self.bounds.head_seconds
        if phase is Phase.BODY or phase is Phase.WRITING:
            return self.bounds.body_seconds
        return self.bounds.idle_seconds

    def _expire(self, phase: Phase) -> None:
        if phase is Phase.HEAD or phase is Phase.BODY:
            self._refuse(TIMEOUT)
        elif phase is Phase.WRITING or phase is Phase.CLOSING:
            self.abort()
        else:
            self.transport.close()

    def abort(self) -> None:
        """Reset the connection: else the kernel would keep what the client does not read."""
        if self._running is not None:
            self._running.disconnected = True  # what it still sends is dropped
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.transport.abort()

    # The end

    def retire(self) -> None:
        """Close after the answer that is being made, if one is."""
        if self.cycle is not None:
            self.cycle.keep_alive = False

    def shutdown(self) -> None:
        """Close, once the answers to whole requests are out: a request that is not whole is none."""
        self._read_on()
        self.deaf = True
        if not self._answers_are_due():
            self.transport.close()
