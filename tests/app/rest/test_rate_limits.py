"""Rate limits of the REST API: the response to a rejected request."""

from hashlib import sha256

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from app.access.guard import Guard, Limits
from app.access.keys import KeyRing, Principal
from app.access.public import PublicModels
from app.access.rates import RateLimiter, parse_rate
from app.rest.api_key import Access, ApiKeyMiddleware
from app.rest.paths import PathPolicy

pytestmark = pytest.mark.anyio


async def _never(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError("a rejected request must not reach the application")


async def test_a_request_whose_rate_cannot_be_counted_may_be_retried_after_1_second() -> None:
    unreachable = RateLimiter("redis://127.0.0.1:1/0", "closed")
    caller = Principal("caller", frozenset({"predict"}), rate=parse_rate("5/hour"))
    keys = KeyRing({sha256(b"the-key").digest(): caller})
    middleware = ApiKeyMiddleware(
        _never, Access(Guard(keys, Limits(unreachable)), PublicModels()), PathPolicy([], False)
    )

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await middleware({**scope, "state": {}}, receive, send)

    transport = httpx.ASGITransport(app=application)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.get("/model", headers={"X-API-Key": "the-key"})
    await unreachable.stop()
    assert (answer.status_code, answer.json()["code"]) == (503, "limits_unavailable")
    assert answer.headers["Retry-After"] == "1"
