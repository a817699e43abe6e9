"""Trace context: a valid W3C traceparent is logged and visible to the code of its request."""

import json
from io import StringIO
from typing import Any

import pytest
from pydantic import BaseModel
from starlette.types import Message, Scope

from app.domains.api import Operation
from app.domains.beer.api import BeerApi
from app.models.manager import ModelManager
from app.telemetry.logs import RequestLog
from app.telemetry.trace import current_trace
from tests.known import KEY
from tests.rest_application import rest_application

pytestmark = pytest.mark.anyio
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
VALID = f"00-{TRACE}-{PARENT}-01"


async def _line(manager: ModelManager, domain: BeerApi, *headers: tuple[bytes, bytes]) -> dict[str, str]:
    stream = StringIO()
    application = rest_application(manager, domain, log=RequestLog(stream))

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        pass

    scope: Scope = {"type": "http", "method": "GET", "path": "/nowhere", "query_string": b"", "headers": list(headers)}
    await application(scope, receive, send)
    line: dict[str, str] = json.loads(stream.getvalue())
    return line


async def test_a_valid_traceparent_is_kept(manager: ModelManager, domain: BeerApi) -> None:
    line = await _line(manager, domain, (b"traceparent", VALID.encode()))
    assert line["traceparent"] == VALID


@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        (f"01-{TRACE}-{PARENT}-03", f"00-{TRACE}-{PARENT}-01"),
        (f"cc-{TRACE}-{PARENT}-fe-of-later", f"00-{TRACE}-{PARENT}-00"),
    ],
)
async def test_a_traceparent_of_a_later_version_is_kept_in_our_version(
    manager: ModelManager, domain: BeerApi, sent: str, taken: str
) -> None:
    assert (await _line(manager, domain, (b"traceparent", sent.encode())))["traceparent"] == taken


@pytest.mark.parametrize(
    "sent",
    [
        VALID.upper(),
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{PARENT}",
        f"00-{TRACE}-{PARENT}-01-more",
        f"00-{TRACE}-{PARENT}-01-",
        f"01-{TRACE}-{PARENT}-01more",
        f"01-{TRACE}-{PARENT}-01-\x1b\n",
        f" {VALID}",
        f"00-{TRACE[1:]}-{PARENT}-01",
        f'00-{TRACE}-{PARENT}-0"',
        VALID + "\n",
        "",
    ],
)
async def test_an_invalid_traceparent_is_ignored(manager: ModelManager, domain: BeerApi, sent: str) -> None:
    assert "traceparent" not in await _line(manager, domain, (b"traceparent", sent.encode()))


async def test_several_traceparents_are_ignored(manager: ModelManager, domain: BeerApi) -> None:
    line = await _line(manager, domain, *[(b"traceparent", VALID.encode())] * 2)
    assert "traceparent" not in line


async def test_the_access_log_has_the_id_of_a_valid_key_only(manager: ModelManager, domain: BeerApi) -> None:
    for key, name in ((KEY, "default"), ("wrong", "")):
        line = await _line(manager, domain, (b"x-api-key", key.encode()))
        assert line["key_id"] == name


class Question(BaseModel):
    """Selects whether the thread pool answers."""

    slow: bool = False


class TracedFace:
    """Answers with the trace that it would pass on."""

    models = ("traced",)
    listings: tuple[Any, ...] = ()

    def _run(self, question: Question) -> list[tuple[str, str]]:
        trace = current_trace()
        return list(trace.headers) if trace else []

    @property
    def operations(self) -> list[Operation[Question, list[tuple[str, str]]]]:
        """One operation that is slow on request."""
        described: dict[str, Any] = {"summary": "", "description": "", "answered": ""}
        return [
            Operation(
                name="traced",
                path="/traced",
                request=Question,
                answer=list[tuple[str, str]],
                run=self._run,
                slow=lambda q: q.slow,
                **described,
            )
        ]


@pytest.mark.parametrize("slow", [False, True], ids=["in the event loop", "in the pool"])
async def test_code_of_a_request_sees_the_trace_of_that_request_only(slow: bool) -> None:
    domain = TracedFace()
    application = rest_application(ModelManager(domain.models), domain)
    body = json.dumps({"slow": slow}).encode()
    answers: list[Any] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.body":
            answers.append(json.loads(message["body"]))

    traced = [(b"traceparent", VALID.encode()), (b"tracestate", b"a=1"), (b"tracestate", b"b=2")]
    for headers in (
        traced,
        [],
        [traced[1]],
        [traced[0], (b"tracestate", b"a=\xff")],
        [traced[0], (b"tracestate", b"a" * 513)],
        [(b"traceparent", b"none"), traced[1]],
    ):
        scope = {"type": "http", "method": "POST", "path": "/traced", "query_string": b""}
        await application({**scope, "headers": [(b"x-api-key", KEY.encode()), *headers]}, receive, send)
    parent = ["traceparent", VALID]
    assert answers == [[parent, ["tracestate", "a=1,b=2"]], [], [], [parent], [parent], []]
