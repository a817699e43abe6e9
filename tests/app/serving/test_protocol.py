"""The protocol on a fake transport: order, limits, timeouts and the end of connections."""

import asyncio

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from app.rest.body import CLOSES
from app.rest.problems import REFUSED
from app.rest.responses import Header
from app.serving.fair_start import CROWD, MAX_BEGUN, FairStart
from app.serving.limits import READ_BUFFER_BYTES, ConnectionLimits
from app.serving.timeouts import Phase
from app.serving.write_coalescing import MAX_HELD, CoalescingTransport
from tests.app.serving.connections import Connection, FakeTransport, RecordingApp, get, post, settle

pytestmark = pytest.mark.anyio
LENGTH = (b"content-length", b"4")
HOST = (b"host", b"beer")
CHUNKED = "Transfer-Encoding: chunked"
BROKEN = [
    (b"x-name", b"value\r\nset-cookie: a=b"),
    (b"x-name", b"value\nset-cookie: a=b"),
    (b"x-name", b"value\r"),
    (b"x-name", b"\0"),
    (b"x-name: value\r\nset-cookie", b"a=b"),
]


def answering(*headers: Header) -> ASGIApp:
    """An application that answers ``beer``, in two pieces, with these headers."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": list(headers)})
        await send({"type": "http.response.body", "body": b"be", "more_body": True})
        await send({"type": "http.response.body", "body": b"er"})

    return app


async def opened(limits: ConnectionLimits | None = None, *, running: bool = False) -> tuple[Connection, RecordingApp]:
    """A connection to an application that records; with ``running``, the application does not answer yet."""
    app = RecordingApp()
    if running:
        app.open.clear()
    return Connection(app, limits), app


# Responses


async def test_a_response_of_known_length_has_no_chunks() -> None:
    connection = Connection(answering(LENGTH, (b"x-name", b"value")))
    await connection.send(get() + get("/", "Connection: close"))
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nx-name: value\r\n"
    assert connection.received == head + b"\r\nbeer" + head + b"connection: close\r\n\r\nbeer"
    assert connection.transport.closed


async def test_a_response_of_unknown_length_is_chunked() -> None:
    connection = Connection(answering())
    await connection.send(get())
    assert connection.received.endswith(b"transfer-encoding: chunked\r\n\r\n2\r\nbe\r\n2\r\ner\r\n0\r\n\r\n")


async def test_an_application_may_close_the_connection() -> None:
    connection = Connection(answering(LENGTH, (b"connection", b"close")))
    await connection.send(get())
    assert connection.received.count(b"connection: close\r\n") == 1 and connection.transport.closed


async def test_a_response_to_head_has_no_body() -> None:
    connection = Connection(answering(LENGTH))
    await connection.send(get("/", method="HEAD"))
    assert connection.received == b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n"


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("others", [[LENGTH], []])
async def test_a_header_that_breaks_its_line_is_never_sent(broken: Header, others: list[Header]) -> None:
    connection = Connection(answering(*others, broken))
    await connection.send(get())
    assert connection.received == b"" and connection.transport.closed


async def test_head_and_body_of_pipelined_responses_leave_in_one_write_per_turn() -> None:
    connection = Connection(answering(LENGTH))
    await connection.send(get())
    assert len(connection.transport.writes) == 1
    await connection.send(get() * 3)
    assert len(connection.transport.writes) <= 4 and connection.statuses == [200] * 4


async def test_large_writes_do_not_wait_for_the_end_of_the_turn() -> None:
    inner = FakeTransport()
    transport = CoalescingTransport(inner, asyncio.get_running_loop())
    transport.write(b"x" * MAX_HELD)
    assert inner.writes == []
    transport.write(b"y")
    assert inner.writes == [b"x" * MAX_HELD + b"y"]


# Requests


async def test_blanks_around_a_value_are_not_part_of_it() -> None:
    connection, app = await opened()
    await connection.send(get("/", "X-Name: \t a b \t ", "X-Empty: \t "))
    assert app.scopes[0]["headers"] == [HOST, (b"x-name", b"a b"), (b"x-empty", b"")]


@pytest.mark.parametrize("hosts", ["", "Host: beer\r\nHost: beer\r\n", "Host: be er\r\n"])
async def test_a_request_without_one_valid_host_is_told_so(hosts: str) -> None:
    connection, app = await opened()
    await connection.send(get().replace(b"Host: beer\r\n", hosts.encode()))
    assert connection.statuses == [400] and b"header Host" in connection.received and not app.scopes


async def test_the_scope_describes_the_request() -> None:
    connection, app = await opened()
    connection.context.app_state["key"] = "value"
    await connection.send(post(b"body", "/a%20b?c=d", "X-Name: Value"))
    scope = app.scopes[0]
    assert (scope["type"], scope["method"], scope["http_version"], scope["scheme"]) == ("http", "POST", "1.1", "http")
    assert (scope["path"], scope["raw_path"], scope["query_string"]) == ("/a b", b"/a%20b", b"c=d")
    assert scope["headers"] == [HOST, (b"x-name", b"Value"), (b"content-length", b"4")]
    assert (scope["server"], scope["client"]) == (("127.0.0.1", 8000), ("127.0.0.2", 50000))
    assert scope["state"] == {"key": "value"} and scope["state"] is not connection.context.app_state
    assert scope["asgi"]["version"] == "3.0" and scope["root_path"] == ""
    assert app.bodies == [b"body"] and connection.received.endswith(b"/a b body")


async def test_pipelined_requests_are_answered_one_by_one_in_order() -> None:
    connection, app = await opened(running=True)
    await connection.send(get("/1") + post(b"two", "/2") + get("/3"))
    assert len(app.scopes) == 1 and connection.received == b""
    app.open.set()
    await settle()
    assert [scope["path"] for scope in app.scopes] == ["/1", "/2", "/3"] and app.bodies == [b"", b"two", b""]
    assert connection.statuses == [200] * 3 and not connection.transport.paused and not connection.transport.closed


async def test_more_pipelined_requests_than_allowed_are_not_answered() -> None:
    connection, app = await opened(ConnectionLimits(pipelined=2), running=True)
    await connection.send(get() * 5)
    assert connection.received == b""
    app.open.set()
    await settle()
    assert connection.statuses == [200] * 3 and connection.transport.closed


@pytest.mark.parametrize("size", [1, 3, 40])
async def test_the_pieces_in_which_a_request_arrives_do_not_matter(size: int) -> None:
    connection, app = await opened()
    data = post(b"body", "/first") + get("/second")
    await connection.send(*(data[start : start + size] for start in range(0, len(data), size)))
    assert app.bodies == [b"body", b""] and connection.statuses == [200, 200]


@pytest.mark.parametrize(("version", "header"), [("1.0", "Connection: keep-alive"), ("1.1", "Connection: close")])
async def test_a_connection_that_is_not_kept_is_closed_and_the_application_knows(version: str, header: str) -> None:
    connection, app = await opened()
    await connection.send(get("/", header, version=version) + get())
    assert len(app.scopes) == 1 and app.scopes[0]["state"][CLOSES]
    assert connection.transport.closed and b"connection: close" in connection.received


async def test_expect_100_continue_is_answered_when_the_body_is_read() -> None:
    connection, app = await opened()
    await connection.send(post(b"", "/", "Expect: 100-continue", length=4))
    assert connection.received == b"HTTP/1.1 100 Continue\r\n\r\n"
    await connection.send(b"body")
    assert connection.statuses == [100, 200]


async def test_an_upgrade_is_ignored_and_the_body_is_kept() -> None:
    connection, app = await opened()
    upgrade = post(b"body", "/1", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AA")
    await connection.send(upgrade + get("/2"))
    assert app.bodies == [b"body", b""] and app.scopes[0]["headers"] == [HOST, (b"content-length", b"4")]
    assert connection.statuses == [200, 200]


async def test_an_upgrade_keeps_the_wish_to_close() -> None:
    connection, _ = await opened()
    await connection.send(get("/", "Connection: Upgrade, close", "Upgrade: h2c"))
    assert connection.statuses == [200] and connection.transport.closed


async def test_a_large_body_pauses_reading_until_the_application_reads() -> None:
    connection, app = await opened()
    connection.protocol.data_received(post(b"", length=200_000) + b"x" * (READ_BUFFER_BYTES + 1))
    assert connection.transport.paused
    await settle()
    assert not connection.transport.paused
    await connection.send(b"x" * (200_000 - READ_BUFFER_BYTES - 1))
    assert [len(body) for body in app.bodies] == [200_000]


async def test_trailers_do_not_join_the_headers() -> None:
    connection, app = await opened()
    await connection.send(get("/", CHUNKED, method="POST") + b"4\r\nbody\r\n0\r\nX-API-Key: forged\r\n\r\n")
    assert app.bodies == [b"body"] and app.scopes[0]["headers"] == [HOST, (b"transfer-encoding", b"chunked")]


# Limits


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01", 400),
        (get("/", "Content-Length: 1", "Content-Length: 2"), 400),
        (b"CONNECT beer:80 HTTP/1.1\r\n\r\n", 400),
        (get("/", "A: " + "b" * 70_000), 431),
        (b"GET / HTTP/1.1\r\nA: " + b"b" * 70_000, 431),
        (get("/", *(f"A{number}: {'b' * 60}" for number in range(201))), 431),
        (get("/" + "a" * 8_192), 414),
        (b"\r\n" * 40_000, 431),
    ],
    ids=["TLS", "lengths", "CONNECT", "head", "endless head", "headers", "target", "blank lines"],
)
async def test_invalid_and_oversized_requests_are_rejected_and_counted(data: bytes, status: int) -> None:
    connection, app = await opened()
    await connection.send(data)
    assert connection.statuses == [status] and connection.transport.closed
    body = connection.received.partition(b"\r\n\r\n")[2]
    assert b"content-length: %d\r\n" % len(body) in connection.received and b"connection: close" in connection.received
    assert [problem.http_status for problem in connection.rejected] == [status]
    await connection.send(get())
    assert connection.statuses == [status] and not app.bodies


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (get("/" + "a" * 8_192, "Origin: https://a.example"), 414),
        (get("/", "Origin: https://a.example", "Content-Length: 1", "Content-Length: 2"), 400),
        (b"GET / HTTP/1.1\r\nHost: beer\r\nOrigin: https://a.example\r\nA", 408),
        (post(b"", "/", "Origin: https://a.example", length=9), 408),
        (b"\x16\x03\x01", 400),
    ],
    ids=["target", "lengths", "half a head", "no body", "TLS"],
)
async def test_a_rejection_has_the_headers_of_cors_as_far_as_the_origin_is_known(data: bytes, status: int) -> None:
    connection, _ = await opened(ConnectionLimits(head_seconds=2.0, body_seconds=2.0))
    connection.context.cors_headers = lambda headers: [(b"from", value) for name, value in headers if name == b"origin"]
    await connection.send(data)
    for now in 100.0, 102.0:
        connection.protocol.check_timeout(now, 0.5)
    await settle()
    assert connection.statuses == [status]
    assert (b"\r\nfrom: https://a.example\r\n" in connection.received) == (b"Origin" in data)


@pytest.mark.parametrize("coding", ["gzip, chunked", "chunked, chunked"])
async def test_a_transfer_coding_other_than_chunked_is_rejected(coding: str) -> None:
    connection, app = await opened()
    await connection.send(get("/", f"Transfer-Encoding: {coding}", method="POST") + b"1\r\nx\r\n")
    assert connection.statuses == [400] and connection.transport.closed and not app.bodies


async def test_heads_just_within_the_limits_are_accepted() -> None:
    connection, app = await opened()
    await connection.send(get("/", "A: " + "b" * 65_000), get("/", *(f"A{n}: {'b' * 60}" for n in range(199))))
    await connection.send(get("/" + "a" * 8_191))
    assert connection.statuses == [200] * 3


async def test_a_head_in_pieces_is_measured_as_a_whole() -> None:
    connection, _ = await opened()
    await connection.send(b"GET / HTTP/1.1\r\n", *[b"A: " + b"b" * 10_000 + b"\r\n"] * 7)
    assert connection.statuses == [431]


async def test_endless_blank_lines_between_requests_are_rejected() -> None:
    connection, _ = await opened()
    await connection.send(get())
    await connection.send(*[b"\r\n" * 10_000] * 4)
    assert connection.statuses == [200, 431]


async def test_the_pieces_of_one_head_do_not_count_toward_the_next() -> None:
    connection, _ = await opened()
    head = get("/", "A: " + "b" * 40_000)
    for _ in range(3):
        await connection.send(head[:35_000])
        await connection.send(head[35_000:])
    assert connection.statuses == [200] * 3


async def test_pipelined_heads_and_large_bodies_are_measured_one_by_one() -> None:
    connection, _ = await opened()
    large = post(b"x" * 50_000, "/", "A: " + "b" * 30_000)
    await connection.send(large * 4 + large[:20_000])
    await connection.send(large[20_000:])
    assert connection.statuses == [200] * 5


async def test_framing_of_an_answered_request_does_not_count_toward_the_next_head() -> None:
    connection, app = await opened()
    app.reads = False
    half = get("/", "A: " + "b" * 40_000)
    await connection.send(get("/", CHUNKED, method="POST"))
    await connection.send(b"1;" + b"e" * 40_000 + b"\r\nx\r\n0\r\n\r\n")
    await connection.send(half[:39_000])
    await connection.send(half[39_000:])
    assert connection.statuses == [200, 200]


@pytest.mark.parametrize("flood", [b"1\r\nx\r\n" * 30_000, b"1;" + b"x" * 70_000, b"0\r\n" + b"A: b\r\n" * 12_000])
async def test_a_body_that_is_mostly_framing_is_rejected(flood: bytes) -> None:
    connection, app = await opened()
    await connection.send(get("/", CHUNKED, method="POST"))
    await connection.send(*(flood[start : start + 50_000] for start in range(0, len(flood), 50_000)))
    assert connection.statuses == [400] and connection.transport.closed
    assert app.scopes[0]["state"][REFUSED].code == "malformed_request" and connection.rejected == []


async def test_the_body_of_an_answered_request_is_dropped_up_to_the_limit() -> None:
    connection, app = await opened(ConnectionLimits(dropped_bytes=1_000))
    app.reads = False
    await connection.send(post(b"x" * 1_000) + get("/next"))
    assert connection.statuses == [200, 200] and not connection.transport.closed
    await connection.send(post(b"", length=2_000))
    await connection.send(b"x" * 1_000)
    assert not connection.transport.closed
    await connection.send(b"x")
    assert connection.statuses == [200] * 3 and connection.transport.closed


async def test_a_broken_request_behind_others_does_not_take_their_responses() -> None:
    connection, app = await opened(running=True)
    await connection.send(get("/1") + get("/2") + b"\0\0\r\n\r\n")
    assert connection.received == b"" and not connection.transport.closed
    app.open.set()
    await settle()
    assert connection.statuses == [200, 200] and connection.transport.closed


async def test_an_incomplete_request_in_the_queue_is_dropped_with_the_error() -> None:
    connection, app = await opened(running=True)
    await connection.send(get("/1") + get("/2", CHUNKED, method="POST") + b"zz\r\n")
    app.open.set()
    await settle()
    assert [scope["path"] for scope in app.scopes] == ["/1"]
    assert connection.statuses == [200] and connection.transport.closed


# Timeouts


PHASES = {
    "new": (b"", Phase.NEW, 2.0, []),
    "head": (b"GET / HT", Phase.HEAD, 2.0, [408]),
    "body": (post(b"", length=9), Phase.BODY, 4.0, [408]),
    "idle": (get(), Phase.IDLE, 3.0, [200]),
    "next head": (get() + b"GET", Phase.HEAD, 2.0, [200, 408]),
}


@pytest.mark.parametrize(("data", "phase", "seconds", "expected"), PHASES.values(), ids=PHASES)
async def test_each_phase_has_its_timeout(data: bytes, phase: Phase, seconds: float, expected: list[int]) -> None:
    connection, _ = await opened(ConnectionLimits(head_seconds=2.0, idle_seconds=3.0, body_seconds=4.0))
    await connection.send(data) if data else None
    protocol, interval = connection.protocol, 0.5
    assert protocol.phase is phase
    protocol.check_timeout(100.0, interval)
    protocol.check_timeout(100.0 + seconds - 2 * interval - 0.01, interval)
    await settle()
    assert not connection.transport.closed
    protocol.check_timeout(100.0 + seconds - 2 * interval, interval)
    await settle()
    assert connection.transport.closed and not connection.transport.aborted and connection.statuses == expected


async def test_work_has_no_timeout() -> None:
    connection, app = await opened(running=True)
    await connection.send(get())
    assert connection.protocol.phase is Phase.WORK
    for now in (0.0, 1e9):
        connection.protocol.check_timeout(now, 0.5)
    assert not connection.transport.closed
    app.open.set()
    await settle()
    assert connection.statuses == [200]


async def test_a_new_request_restarts_the_timer() -> None:
    connection, _ = await opened(ConnectionLimits(idle_seconds=5.0))
    for now in (0.0, 3.9, 7.8):
        await connection.send(get())
        connection.protocol.check_timeout(now, 0.5)
    assert not connection.transport.closed


@pytest.mark.parametrize("closing", [False, True])
async def test_a_client_that_does_not_read_is_reset(closing: bool) -> None:
    connection, app = await opened(
        ConnectionLimits(idle_seconds=4.0 if closing else 100.0, body_seconds=100.0 if closing else 4.0)
    )
    await connection.send(get("/", *(["Connection: close"] if closing else [])))
    connection.protocol.pause_writing()
    assert connection.protocol.phase is (Phase.CLOSING if closing else Phase.WRITING)
    connection.protocol.check_timeout(0.0, 0.5)
    connection.protocol.check_timeout(3.0, 0.5)
    assert connection.transport.reset


@pytest.mark.parametrize(("taken", "kept"), [(16_384, True), (1_000, False)])
async def test_a_client_that_reads_steadily_is_kept(taken: int, kept: bool) -> None:
    connection, _ = await opened(ConnectionLimits(body_seconds=4.0))
    await connection.send(get())
    connection.transport.unread = 20 * 16_384
    assert connection.protocol.phase is Phase.IDLE
    for now in (-0.5, 0.0, 2.0, 4.0, 6.0):  # the first two find it idle, and then with unread bytes
        connection.protocol.check_timeout(now, 0.5)
        connection.transport.unread -= taken if now > -0.5 else 0
    assert connection.transport.reset is not kept


async def test_a_connection_that_is_gone_disturbs_nothing() -> None:
    errors: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: errors.append(context))
    connection, _ = await opened()
    connection.protocol.data_received(get())
    connection.transport.gone = connection.transport.closed = True
    await settle()
    connection.protocol.check_timeout(0.0, 0.5)
    assert not errors and connection.received == b""


async def test_a_client_that_reads_again_is_kept() -> None:
    connection, _ = await opened(ConnectionLimits(idle_seconds=100.0))
    connection.protocol.pause_writing()
    await connection.send(get())
    assert connection.received == b""
    connection.protocol.check_timeout(0.0, 0.5)
    connection.protocol.resume_writing()
    await settle()
    connection.protocol.check_timeout(50.0, 0.5)
    assert connection.statuses == [200] and not connection.transport.closed


async def test_an_aborted_request_sends_no_more() -> None:
    connection, app = await opened(running=True)
    await connection.send(get())
    connection.protocol.abort()
    app.open.set()
    await settle()
    assert connection.received == b"" and connection.transport.reset


# The end


@pytest.mark.parametrize(
    ("data", "expected"),
    [(b"", []), (b"GET / HT", []), (post(b"", length=9), []), (get() * 2, [200, 200]), (get() + b"GET", [200])],
    ids=["nothing", "half a head", "half a body", "two requests", "one and a half"],
)
@pytest.mark.parametrize("end", ["eof", "shutdown"])
async def test_complete_requests_are_answered_before_the_end(data: bytes, expected: list[int], end: str) -> None:
    connection, app = await opened(running=True)
    await connection.send(data) if data else None
    if end == "eof":
        assert connection.protocol.eof_received() is bool(expected)
    else:
        connection.protocol.shutdown()
    assert connection.transport.closed is not bool(expected)
    await connection.send(get())
    app.open.set()
    await settle()
    assert connection.statuses == expected and connection.transport.closed


async def test_a_shutdown_after_eof_still_answers_pending_requests() -> None:
    connection, app = await opened(running=True)
    await connection.send(get("/1") + get("/2") + post(b"", "/3", length=9))
    assert connection.protocol.eof_received()
    connection.protocol.shutdown()
    assert not connection.transport.closed
    app.open.set()
    await settle()
    assert connection.statuses == [200, 200] and connection.transport.closed


async def test_while_the_server_retires_the_last_response_due_closes_the_connection() -> None:
    connection, app = await opened(running=True)
    await connection.send(get() * 2)
    connection.protocol.retire()
    app.open.set()
    await settle()
    assert connection.statuses == [200, 200] and connection.received.count(b"connection: close") == 1
    assert connection.transport.closed


async def test_while_the_server_retires_a_new_request_closes_the_connection() -> None:
    connection, app = await opened()
    connection.context.retiring = True
    connection.protocol.retire()
    await connection.send(get())
    assert b"connection: close" in connection.received and connection.transport.closed


async def test_a_lost_connection_ends_the_running_request_and_drops_the_waiting_ones() -> None:
    connection, app = await opened()
    await connection.send(post(b"", "/1", length=9))
    connection.protocol.connection_lost(None)
    await settle()
    assert app.disconnects == 1 and not connection.state.connections and not connection.state.tasks
    connection, app = await opened(running=True)
    await connection.send(get("/1") + get("/2"))
    connection.transport.closed = True
    connection.protocol.connection_lost(ConnectionResetError())
    app.open.set()
    await settle()
    assert [scope["path"] for scope in app.scopes] == ["/1"] and connection.received == b""


async def test_a_connection_counts_while_it_is_open() -> None:
    connection, _ = await opened()
    assert len(connection.state.connections) == 1
    await connection.send(get() * 2)
    assert connection.state.total_requests == 2 and not connection.state.tasks
    connection.protocol.connection_lost(None)
    assert not connection.state.connections


# Crowds


async def crowded(length: int = 4) -> tuple[RecordingApp, list[Connection]]:
    """Connections of a crowd, more than may begin in one turn of the event loop."""
    app, fair_start = RecordingApp(), FairStart(asyncio.get_running_loop())
    connections = [Connection(app, others=CROWD, fair_start=fair_start) for _ in range(MAX_BEGUN + 2)]
    for connection in connections:
        connection.protocol.data_received(post(b"", "/", length=length)[:-2])
    return app, connections


async def test_in_a_crowd_requests_wait_for_their_turn() -> None:
    app, connections = await crowded()
    last = connections[-1]
    last.protocol.data_received(b"\r\nbody")
    assert last.protocol.phase is Phase.WORK
    last.protocol.data_received(b"y" * READ_BUFFER_BYTES)
    assert last.transport.paused
    await settle()
    assert app.bodies == [b"body"] and not last.transport.paused


async def test_in_a_crowd_reading_goes_on_once_delayed_data_have_been_read() -> None:
    _, connections = await crowded(length=100_000)
    last = connections[-1]
    last.protocol.data_received(b"\r\n" + b"x" * READ_BUFFER_BYTES)
    assert last.transport.paused
    last.protocol.shutdown()
    assert not last.transport.paused


async def test_without_a_crowd_no_request_waits() -> None:
    app, fair_start = RecordingApp(), FairStart(asyncio.get_running_loop())
    connections = [Connection(app, others=CROWD - 1, fair_start=fair_start) for _ in range(MAX_BEGUN + 2)]
    for connection in connections:
        connection.protocol.data_received(get("/", "A: b")[:-2])
    assert all(connection.protocol.phase is Phase.HEAD for connection in connections)


async def test_in_a_crowd_a_body_that_is_arriving_does_not_wait() -> None:
    app, connections = await crowded()
    await settle()
    await connections[0].send(b"\r\n")
    fair_start = connections[0].context.fair_start
    for _ in range(MAX_BEGUN):
        fair_start.enter(b"", lambda: None)
    connections[0].protocol.data_received(b"body")
    assert len(fair_start) == 0 and connections[0].protocol.phase is Phase.WORK


@pytest.mark.parametrize("end", ["eof_received", "shutdown"])
async def test_in_a_crowd_a_delayed_request_is_read_before_the_end(end: str) -> None:
    app, connections = await crowded()
    last = connections[-1]
    last.protocol.data_received(b"\r\nbody")
    getattr(last.protocol, end)()
    await settle()
    assert last.statuses == [200] and last.transport.closed


async def test_in_a_crowd_a_client_that_disconnected_is_dropped() -> None:
    app, connections = await crowded()
    last = connections[-1]
    last.protocol.data_received(b"\r\nbody")
    last.protocol.connection_lost(None)
    await settle()
    assert app.scopes == []
