"""Request bodies in chunks, with invalid lengths, and incomplete."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.problem_types import MALFORMED_REQUEST, TOO_LARGE
from app.rest.application import RestApplication
from app.rest.body import ClientGone, read_body
from app.rest.problems import RequestRejected
from app.runtime.memory_budget import MemoryBudget
from tests.known import KEY

pytestmark = pytest.mark.anyio


def arriving(*pieces: bytes, whole: bool = True) -> Callable[[], Awaitable[dict[str, Any]]]:
    """Receives these chunks, and then the end or a disconnect."""
    rest = list(pieces)

    async def receive() -> dict[str, Any]:
        if not rest:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": rest.pop(0), "more_body": bool(rest) or not whole}

    return receive


async def read(receive: Any, declared: bytes | None = None, limit: int = 10) -> bytes:
    headers = [] if declared is None else [(b"content-length", declared)]
    budget = MemoryBudget()
    body, reservation = await read_body({"headers": headers, "state": {}}, receive, limit, budget)
    if reservation is not None:
        reservation.release()
    assert budget.taken == 0
    return body


@pytest.mark.parametrize("pieces", [(b"",), (b"0123456789",), (b"01234", b"56789"), (b"", b"0", b"", b"1", b"")])
async def test_chunks_of_a_body_are_joined(pieces: tuple[bytes, ...]) -> None:
    assert await read(arriving(*pieces)) == b"".join(pieces)


@pytest.mark.parametrize(
    ("pieces", "unread"), [((b"x" * 11,), False), ((b"x" * 9, b"xx"), False), ((b"x" * 11, b""), True)]
)
async def test_one_byte_more_than_the_limit_is_rejected(pieces: tuple[bytes, ...], unread: bool) -> None:
    with pytest.raises(RequestRejected) as caught:
        await read(arriving(*pieces))
    assert (caught.value.problem_type, caught.value.unread) == (TOO_LARGE, unread)


async def test_a_body_with_too_large_a_content_length_is_not_read() -> None:
    async def never() -> dict[str, Any]:
        raise AssertionError("a byte was read")

    for declared in b"11", b"999999999999999999":
        with pytest.raises(RequestRejected) as caught:
            await read(never, declared)
        assert caught.value.problem_type is TOO_LARGE


@pytest.mark.parametrize("declared", [b"", b"-1", b"+5", b"1e3", b"0x10", b"5, 5", b"\xb2", b"9" * 19])
async def test_an_invalid_content_length_is_malformed(declared: bytes) -> None:
    with pytest.raises(RequestRejected) as caught:
        await read(arriving(b""), declared)
    assert caught.value.problem_type is MALFORMED_REQUEST


@pytest.mark.parametrize("pieces", [(), (b"half",), (b"half", b"more")])
async def test_a_client_that_disconnects_has_no_body(pieces: tuple[bytes, ...]) -> None:
    with pytest.raises(ClientGone):
        await read(arriving(*pieces, whole=False))


@pytest.mark.parametrize(
    ("headers", "status", "most"),
    [
        ([], 401, 2_000_000),
        ([(b"x-api-key", KEY.encode())], 413, 3_000_000),
        ([(b"x-api-key", KEY.encode()), (b"content-length", b"64000000")], 413, 2_000_000),
        ([(b"x-api-key", KEY.encode()), (b"content-type", b"text/csv")], 415, 2_000_000),
    ],
    ids=["no key", "chunked", "declared", "wrong type"],
)
async def test_the_rest_of_a_rejected_body_is_dropped_up_to_the_limit(
    application: RestApplication, headers: list[tuple[bytes, bytes]], status: int, most: int
) -> None:
    piece, taken, sent = b"9" * 65536, 0, []

    async def receive() -> dict[str, Any]:
        nonlocal taken
        taken += len(piece)
        return {"type": "http.request", "body": piece, "more_body": taken < 64_000_000}

    async def send(message: Any) -> None:
        sent.append(message)

    length = [] if dict(headers).get(b"content-length") else [(b"transfer-encoding", b"chunked")]
    scope = {"type": "http", "method": "POST", "path": "/predict", "headers": [*headers, *length]}
    await application(scope, receive, send)
    assert sent[0]["status"] == status
    assert most <= taken < most + 2 * len(piece)
