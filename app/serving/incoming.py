"""What arrives on a connection: requests, parsed within the limits."""

from typing import Any, Protocol

import httptools

from app.problem_types import HEADERS_TOO_LARGE, MALFORMED_REQUEST, TOO_LARGE
from app.rest.problems import RequestRejected
from app.rest.responses import Header
from app.serving.limits import READ_BUFFER_BYTES, ConnectionLimits
from app.serving.request_head import (
    SEVERAL_HOSTS,
    SMALL_HEAD,
    check_head,
    check_host,
    head_without_upgrade,
    split_target,
)
from app.serving.uvicorn_internals import FlowControl, RequestResponseCycle

_ASGI = {"version": "3.0", "spec_version": "2.3"}


class BeginRequest(Protocol):
    """Begins a request, or queues it behind the one that is running."""

    def __call__(self, scope: dict[str, Any], keep_alive: bool, expect_100_continue: bool) -> RequestResponseCycle:
        """Begin the request of this ASGI scope."""


class IncomingRequests:
    """Parses the requests of one connection. The parser calls the methods named ``on_...``."""

    __slots__ = (
        "_arrived",
        "_begin",
        "_body_bytes",
        "_expect_100_continue",
        "_flow",
        "_framing_bytes",
        "_head_bytes",
        "_head_without_upgrade",
        "_headers",
        "_host",
        "_limits",
        "_message_ended",
        "_parser",
        "_scope",
        "_target",
        "_valid_host",
        "count",
        "in_head",
        "request",
    )

    def __init__(self, limits: ConnectionLimits, flow: FlowControl, scope: dict[str, Any], begin: BeginRequest) -> None:
        """Initialize the incoming requests.

        Args:
            limits: What the connection may take.
            flow: Pauses and resumes reading.
            scope: The part of the ASGI scope that all requests of the connection have in common.
            begin: Called for each complete head.
        """
        self._limits = limits
        self._flow = flow
        self._scope = scope
        self._begin = begin
        self._parser = self._new_parser()
        self.request: RequestResponseCycle | None = None
        """The request whose body is arriving."""
        self.in_head = False
        """Whether part of a request head is here."""
        self.count = 0
        """Number of requests that have begun."""
        self._target = b""
        self._headers: list[Header] = []
        self._host: bytes | None = None  # or SEVERAL_HOSTS
        self._valid_host: bytes | None = None  # the last one that was checked: mostly all requests have the same
        self._expect_100_continue = False
        self._head_without_upgrade = b""
        self._message_ended = False  # in the piece of data that is being parsed
        self._arrived = 0  # bytes of that piece, less bodies and measured heads
        self._head_bytes = self._body_bytes = self._framing_bytes = 0

    def feed(self, data: bytes) -> None:
        """Parse what has arrived.

        Args:
            data: Bytes as they come from the connection.

        Raises:
            RequestRejected: The data are not valid HTTP, or exceed a limit.
        """
        self._arrived = len(data)
        self._message_ended = False
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            cause = error.__context__
            raise cause if isinstance(cause, RequestRejected) else RequestRejected(MALFORMED_REQUEST) from None
        else:
            self._check_sizes()

    @property
    def headers(self) -> list[Header]:
        """The headers of the head that is being read, as far as they are here."""
        return self._headers

    def close(self) -> None:
        """Release the parser, which refers to this object."""
        del self._parser, self._begin

    def _new_parser(self) -> httptools.HttpRequestParser:
        parser = httptools.HttpRequestParser(self)
        parser.set_dangerous_leniencies(lenient_data_after_close=True)  # else the first of two requests has no response
        return parser

    def _check_sizes(self) -> None:
        """Check the size of heads and framing that are incomplete."""
        if self.request is not None:
            self._framing_bytes += self._arrived
            if self._framing_bytes > self._limits.head_bytes + self._body_bytes:
                raise RequestRejected(MALFORMED_REQUEST)  # chunks of one byte, endless extensions or trailers
        elif self.in_head or not self._message_ended:
            self._head_bytes += self._arrived
            if self._head_bytes > self._limits.head_bytes:
                raise RequestRejected(HEADERS_TOO_LARGE)

    def _ignore_upgrade(self, rest: bytes) -> None:
        """Parse the request again without its Upgrade headers: the parser would accept the upgrade and drop the body.

        Java's HTTP client asks for h2c with its first request, whatever the method.

        Args:
            rest: What has arrived after the head.
        """
        self._parser = self._new_parser()
        self.feed(self._head_without_upgrade + rest)

    def on_message_begin(self) -> None:
        """Handle the first byte of a request."""
        self.in_head = True
        self._target = b""
        self._headers = []
        self._host = None
        self._expect_100_continue = False

    def on_url(self, target: bytes) -> None:
        """Handle a piece of the request target."""
        self._target += target

    def on_header(self, name: bytes, value: bytes) -> None:
        """Handle a header, or a trailer."""
        name = name.lower()
        value = value.rstrip(b" \t")  # no part of it (RFC 9110, 5.5); the parser takes those in front away
        if name == b"host":
            self._host = value if self._host is None else SEVERAL_HOSTS
        elif name == b"expect" and value.lower() == b"100-continue":
            self._expect_100_continue = True
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Begin the request, unless its head exceeds a limit."""
        parser, headers, target = self._parser, self._headers, self._target
        if parser.should_upgrade():
            self._head_without_upgrade = head_without_upgrade(
                parser.get_method(), target, parser.get_http_version(), headers
            )
            return
        if self._arrived + self._head_bytes > SMALL_HEAD or len(headers) > self._limits.headers:
            self._arrived -= check_head(target, headers, self._limits) - self._head_bytes
        version = parser.get_http_version()
        if self._host is None or self._host != self._valid_host:
            check_host(self._host, version)
            self._valid_host = self._host
        path, raw_path, query = split_target(target)
        common = self._scope
        scope = {
            **common,
            "asgi": _ASGI.copy(),
            "http_version": version,
            "method": parser.get_method().decode("ascii"),
            "path": path,
            "raw_path": raw_path,
            "query_string": query,
            "headers": headers,
            "state": common["state"].copy(),
        }
        keep_alive = version != "1.0" and parser.should_keep_alive()
        self.request = self._begin(scope, keep_alive, self._expect_100_continue)
        self.count += 1
        self.in_head = False
        self._headers = []  # takes the trailers, which must not join the headers that were checked
        self._head_bytes = self._body_bytes = self._framing_bytes = 0

    def on_chunk_header(self) -> None:
        """Reject transfer codings other than chunked alone: a proxy may read them differently."""
        if self._body_bytes == 0 and self.request is not None:
            headers = self.request.scope["headers"]
            codings = [value.strip().lower() for name, value in headers if name == b"transfer-encoding"]
            if codings != [b"chunked"]:
                raise RequestRejected(MALFORMED_REQUEST)

    def on_body(self, body: bytes) -> None:
        """Pass a piece of the body on; drop it if the request has been answered already."""
        request = self.request
        if request is None:
            return
        self._body_bytes += len(body)
        self._arrived -= len(body)
        if request.response_complete:
            if self._body_bytes > self._limits.dropped_bytes:
                raise RequestRejected(TOO_LARGE)
            return
        request.body += body
        if len(request.body) > READ_BUFFER_BYTES:
            self._flow.pause_reading()
        request.message_event.set()

    def on_message_complete(self) -> None:
        """Tell the application that the body is complete."""
        request = self.request
        if request is None:  # a request for an upgrade, which is parsed again
            return
        request.more_body = False
        if not request.response_complete:
            request.message_event.set()
        self.request = None
        self._message_ended = True
