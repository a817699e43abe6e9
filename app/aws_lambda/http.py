"""The REST door behind API Gateway (REST or HTTP API), a function URL or a load balancer."""

import asyncio
from typing import Any

from mangum import Mangum
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.aws_lambda.context import Context, EventError, seconds_left
from app.problem_types import TOO_LATE
from app.rest.problems import send_problem
from app.startup import prepare

RESERVE = 0.2
"""Seconds before the call is cut, at which it is answered with 504."""


class InTime:
    """ASGI middleware: what does not answer in the time that is left is answered as late, not cut."""

    def __init__(self, app: ASGIApp) -> None:
        """Initialize the in time.

        Args:
            app: What lies behind.
        """
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        began = False

        async def noted(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            async with asyncio.timeout(seconds_left(scope["aws.context"], RESERVE)):
                await self._app(scope, receive, noted)
        except TimeoutError:
            if not began:
                await send_problem(send, TOO_LATE)


_adapter = Mangum(
    InTime(prepare()[1].rest),
    lifespan="off",
    text_mime_types=["text/", "application/json", "application/problem+json", "application/javascript"],
)


def handler(event: Any, context: Context) -> dict[str, Any]:
    """Answer an HTTP event as the REST door answers a request.

    Args:
        event: Of API Gateway in format 1.0 or 2.0, a function URL or an application load balancer.
        context: The runtime's.

    Returns:
        The answer in the event's own format.

    Raises:
        EventError: It is no HTTP event.
    """
    try:
        read = _adapter.infer(event, context)  # type: ignore[arg-type]
        if not _is_request(read.scope, read.body):
            raise ValueError
        return _adapter(event, context)  # type: ignore[arg-type]
    except Exception as error:  # the door raises nothing: it is the event that the adapter cannot read
        raise EventError(f"not an HTTP event of a kind that is known ({type(error).__name__})") from None


def _is_request(scope: Scope, body: object) -> bool:
    """Whether everything is of the kind that ASGI says; the adapter hands on what stands in the event."""
    return (
        isinstance(body, bytes)
        and isinstance(scope["method"], str)
        and isinstance(scope["path"], str)
        and isinstance(scope["query_string"], bytes)
        and isinstance(scope["client"][0], str)
        and all(isinstance(name, bytes) and isinstance(value, bytes) for name, value in scope["headers"])
    )
