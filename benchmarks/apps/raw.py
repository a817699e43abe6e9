"""Raw ASGI: reads the body and returns a constant response; the cost of the server alone."""

from typing import Any

from starlette.types import Receive, Scope, Send

from benchmarks.apps.reference import ANSWER_BYTES

_HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(ANSWER_BYTES)).encode())]
_START: dict[str, Any] = {"type": "http.response.start", "status": 200, "headers": _HEADERS}
_BODY: dict[str, Any] = {"type": "http.response.body", "body": ANSWER_BYTES}


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request (ASGI)."""
    if scope["type"] == "http":
        while (await receive()).get("more_body"):
            pass
        await send(_START)
        await send(_BODY)
