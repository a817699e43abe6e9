"""The trace: a valid W3C traceparent stands in the log line and in the request's state, any other does not."""

import json
from io import StringIO

import pytest

from app.access.keys import KeyRing
from app.domains.beer.face import BeerFace
from app.inference.service import InferenceService
from app.rest.application import RestDoor
from app.rest.asgi import Message, Scope
from app.telemetry.logs import RequestLog
from tests.known import KEY

pytestmark = pytest.mark.anyio
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
VALID = f"00-{TRACE}-{PARENT}-01"


async def _line(
    service: InferenceService, face: BeerFace, *headers: tuple[bytes, bytes]
) -> tuple[Scope, dict[str, str]]:
    stream = StringIO()
    door = RestDoor(service, [face], KeyRing.single(KEY), RequestLog(stream))

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        pass

    scope: Scope = {"type": "http", "method": "GET", "path": "/nowhere", "query_string": b"", "headers": list(headers)}
    await door(scope, receive, send)
    line: dict[str, str] = json.loads(stream.getvalue())
    return scope, line


async def test_a_valid_one_is_taken_over(service: InferenceService, face: BeerFace) -> None:
    scope, line = await _line(service, face, (b"traceparent", VALID.encode()))
    assert line["traceparent"] == scope["state"]["traceparent"] == VALID


@pytest.mark.parametrize(
    "sent",
    [
        VALID.upper(),
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{PARENT}",
        f"00-{TRACE}-{PARENT}-01-more",
        f"00-{TRACE[1:]}-{PARENT}-01",
        f'00-{TRACE}-{PARENT}-0"',
        VALID + "\n",
        "",
    ],
)
async def test_an_invalid_one_is_not(service: InferenceService, face: BeerFace, sent: str) -> None:
    scope, line = await _line(service, face, (b"traceparent", sent.encode()))
    assert "traceparent" not in line
    assert scope["state"]["traceparent"] == ""


async def test_of_several_none_is(service: InferenceService, face: BeerFace) -> None:
    _, line = await _line(service, face, *[(b"traceparent", VALID.encode())] * 2)
    assert "traceparent" not in line


async def test_the_line_names_who_called_and_nobody_where_nobody_is_known(
    service: InferenceService, face: BeerFace
) -> None:
    for key, name in ((KEY, "default"), ("wrong", "")):
        _, line = await _line(service, face, (b"x-api-key", key.encode()))
        assert line["key_id"] == name
