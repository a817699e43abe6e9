"""Ambiguous and oversized requests: rejected, never with a status of 500 and never with a hang."""

import pytest

from tests.live.program import Program
from tests.live.raw import BODY, HEAD, connect, post, read_until, send_and_read, statuses

CHUNKED = b"%x\r\n" % len(BODY) + BODY + b"\r\n0\r\n\r\n"


def _te(value: bytes, body: bytes = CHUNKED, more: bytes = b"") -> bytes:
    return post(b"Transfer-Encoding:" + value + b"\r\n" + more, body, length=False)


AMBIGUOUS = {
    "two Content-Length that agree": post(b"Content-Length: %d\r\n" % len(BODY)),
    "two Content-Length that differ": post(b"Content-Length: 5\r\n"),
    "Content-Length as a list": post(b"Content-Length: 5, 5\r\n", length=False),
    "Content-Length with a sign": post(b"Content-Length: +5\r\n", length=False),
    "Content-Length below zero": post(b"Content-Length: -1\r\n", length=False),
    "Content-Length above 2^64": post(b"Content-Length: 99999999999999999999\r\n", length=False),
    "Content-Length and chunks": _te(b" chunked", more=b"Content-Length: 4\r\n"),
    "chunks and Content-Length": post(b"Transfer-Encoding: chunked\r\n"),
    "another coding": _te(b" gzip"),
    "another coding, then chunks": _te(b" gzip, chunked"),
    "an unknown coding": _te(b" xchunked"),
    "chunked twice": _te(b" chunked", more=b"Transfer-Encoding: identity\r\n"),
    "a space before the colon": post(b"Transfer-Encoding : chunked\r\n", CHUNKED, length=False),
    "bare LF": post().replace(b"\r\n", b"\n"),
    "bare LF after a header": post(b"A: b\nC: d\r\n"),
    "bare CR in a header": post(b"A: b\rC: d\r\n"),
    "bare LF in chunks": _te(b" chunked", CHUNKED.replace(b"\r\n", b"\n")),
    "a chunk size that is not a number": _te(b" chunked", b"zz\r\n" + CHUNKED),
    "a chunk size with 0x": _te(b" chunked", b"0x" + CHUNKED),
    "a chunk above 2^64": _te(b" chunked", b"fffffffffffffffff\r\n" + CHUNKED),
    "a folded header": post(b"A: b\r\n c\r\n"),
    "NUL in a value": post(b"A: b\0c\r\n"),
    "NUL in a name": post(b"A\0: b\r\n"),
    "a space in a name": post(b"A B: c\r\n"),
    "no name": post(b": c\r\n"),
    "no colon": post(b"abc\r\n"),
    "a method of 90,000 letters": b"G" * 90_000 + b" / HTTP/1.1\r\n\r\n",
    "an unknown version": post(version=b"1.2"),
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    "CONNECT": b"CONNECT beer:80 HTTP/1.1\r\n" + HEAD + b"\r\n",
    "a target that is not ASCII": b"GET /\xff HTTP/1.1\r\n" + HEAD + b"\r\n",
    "a target without a path": b"GET ?x HTTP/1.1\r\n" + HEAD + b"\r\n",
    "a lower-case method": b"post /predict HTTP/1.1\r\n" + HEAD + b"\r\n",
    "a space before the method": b" " + post(),
    "no Host": post().replace(b"Host: beer\r\n", b""),
    "no Host, but a trailer": _te(b" chunked", CHUNKED[:-2] + b"Host: beer\r\n\r\n").replace(b"Host: beer\r\n", b"", 1),
    "two Hosts": post(b"Host: elsewhere\r\n"),
    "two Hosts that agree": post(b"host: beer\r\n"),
    "two Hosts, one of them empty": post(b"Host:\r\n"),
    "two Hosts and HTTP/1.0": post(b"Host: elsewhere\r\n", version=b"1.0"),
    "a Host and an upgrade without one": post(b"Upgrade: h2c\r\nConnection: upgrade\r\n").replace(
        b"Host: beer\r\n", b""
    ),
    **{
        f"the Host {host.decode()}": post().replace(b"Host: beer", b"Host: " + host)
        for host in (
            b"be er",
            b"beer/",
            b"me@beer",
            b"beer:80:80",
            b"beer:a",
            b"[::1",
            b"a%zz",
            b"beer\t, beer",
            b'"beer"',
        )
    },
    "a Host of 1,000 letters": post().replace(b"Host: beer", b"Host: " + b"b" * 1000),
    "a Host beyond ASCII": post().replace(b"Host: beer", b"Host: b\xc3\xa9er"),
}
TOO_LARGE = {
    "a header of 70,000 bytes": (431, post(b"A: " + b"x" * 70_000 + b"\r\n")),
    "5,000 headers": (431, post(b"".join(b"A%d: b\r\n" % i for i in range(5000)))),
    "300 headers of 9 KB": (431, post(b"".join(b"A%d: %b\r\n" % (i, b"b" * 30) for i in range(300)))),
    "a target of 9,000 bytes": (414, post(target=b"/" + b"a" * 9_000)),
    "headers without an end": (431, b"GET / HTTP/1.1\r\n" + b"A: " + b"x" * 200_000),
}
VALID = {
    "chunks": (_te(b" chunked"), [200]),
    "chunks with an extension and trailers": (
        _te(b"\tchunked", b"%x;a=b\r\n" % len(BODY) + BODY + b"\r\n0\r\nX-API-Key: no\r\n\r\n"),
        [200],
    ),
    "HTTP/1.0": (post(version=b"1.0"), [200]),
    "HTTP/1.0 without a Host": (post(version=b"1.0").replace(b"Host: beer\r\n", b""), [200]),
    "HTTP/1.0 without a Host, with an upgrade": (
        post(b"Upgrade: h2c\r\nConnection: upgrade\r\n", version=b"1.0").replace(b"Host: beer\r\n", b"") + post(),
        [200],
    ),
    **{
        f"the Host {host.decode() or 'of no name'}": (post().replace(b"Host: beer", b"Host:" + host), [200])
        for host in (
            b"",
            b" beer:",
            b" BEER.example:8000  ",
            b" a_b-c.svc:80",
            b" 127.0.0.1:80",
            b" [::1]:80",
            b" b%C3%A9er",
        )
    },
    "absolute form": (post(target=b"http://elsewhere/predict"), [200]),
    "asterisk form": (b"OPTIONS * HTTP/1.1\r\n" + HEAD + b"\r\n", [404]),
    "three pipelined": (post() * 3, [200, 200, 200]),
    "three pipelined, the last one broken": (post() * 2 + b"\0\r\n\r\n", [200, 200]),
    "three pipelined, the last one cut off": (post() * 2 + post()[:-5], [200, 200]),
    "more after Connection: close": (post(b"Connection: close\r\n") + post(), [200]),
    "a header of 60,000 bytes": (post(b"A: " + b"x" * 60_000 + b"\r\n"), [200]),
    "Expect: 100-continue": (post(b"Expect: 100-continue\r\n"), [100, 200]),
    "an unexpected body": (b"GET /health/live HTTP/1.1\r\nHost: beer\r\nContent-Length: 5\r\n\r\nhello", [200]),
    "an upgrade to HTTP/2, as Java's client sends it": (
        post(b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n") + post(),
        [200, 200],
    ),
    "an upgrade to a web socket": (
        b"GET /health/live HTTP/1.1\r\nHost: beer\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        [200],
    ),
    "an escaped line break": (b"GET /health/%0d%0aA:b HTTP/1.1\r\n" + HEAD + b"\r\n", [404]),
    "an escaped NUL": (b"GET /%00%ff HTTP/1.1\r\n" + HEAD + b"\r\n", [404]),
    "path traversal": (b"GET /docs/assets/../../../../etc/passwd HTTP/1.1\r\n" + HEAD + b"\r\n", [404]),
    "escaped path traversal": (b"GET /docs/assets/%2e%2e/%2e%2e/pyproject.toml HTTP/1.1\r\n" + HEAD + b"\r\n", [404]),
}


@pytest.mark.parametrize("data", AMBIGUOUS.values(), ids=AMBIGUOUS.keys())
def test_ambiguous_requests_are_rejected_and_the_connection_is_closed(program: Program, data: bytes) -> None:
    with connect(program.port()) as connection:
        connection.sendall(data + post())
        received = read_until(connection)
    assert statuses(received) == [400], "the data that follow must not be read as a request"
    head, _, body = received.partition(b"\r\n\r\n")
    assert b'"code": "malformed_request"' in body
    lines = head.lower().split(b"\r\n")
    assert {b"content-type: application/problem+json", b"connection: close", b"cache-control: no-store"} <= set(lines)
    assert b"x-content-type-options: nosniff" in lines and not any(line.startswith(b"server:") for line in lines)


@pytest.mark.parametrize(("status", "data"), TOO_LARGE.values(), ids=TOO_LARGE.keys())
def test_a_head_that_exceeds_a_limit_is_rejected(program: Program, status: int, data: bytes) -> None:
    assert statuses(send_and_read(program.port(), data)) == [status]


@pytest.mark.parametrize(("expected", "data"), [(e, d) for d, e in VALID.values()], ids=VALID.keys())
def test_unusual_but_valid_requests_are_answered(program: Program, expected: list[int], data: bytes) -> None:
    received = send_and_read(program.port(), data)
    assert statuses(received) == expected
    assert b"root:" not in received and b"[tool" not in received


def test_pipelined_requests_are_answered_in_order_up_to_the_limit(program: Program) -> None:
    codes = statuses(send_and_read(program.port(), post() * 500))
    assert set(codes) == {200} and 50 <= len(codes) < 60


@pytest.mark.parametrize("piece", [1, 7])
def test_requests_may_arrive_in_any_number_of_pieces(program: Program, piece: int) -> None:
    data = post() + _te(b" chunked") + post(b"Upgrade: h2c\r\nConnection: upgrade, close\r\n")
    with connect(program.port()) as connection:
        for start in range(0, len(data), piece):
            connection.send(data[start:][:piece])
        assert statuses(read_until(connection)) == [200, 200, 200]


@pytest.mark.parametrize(
    "flood",
    [b"1\r\n \r\n" * 200_000, b"1;" + b"x" * 1_000_000, b"0\r\n" + b"A: b\r\n" * 100_000],
    ids=["chunks of a byte", "an endless extension", "endless trailers"],
)
def test_a_body_that_is_almost_only_framing_is_rejected(program: Program, flood: bytes) -> None:
    with connect(program.port()) as connection:
        try:
            connection.sendall(_te(b" chunked", flood))
        except OSError:
            pass
        assert statuses(read_until(connection)) in ([400], [])  # [] if the reset arrives before the response


def test_an_endless_unexpected_body_is_cut_off(program: Program) -> None:
    with connect(program.port()) as connection:
        connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: beer\r\nContent-Length: 999999999\r\n\r\n")
        read_until(connection, lambda data: b"live" in data)
        sent = 0
        with pytest.raises(OSError):
            while sent < 100_000_000:
                sent += connection.send(bytes(65536))
    assert sent < 20_000_000
