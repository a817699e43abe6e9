"""Lambda function for the REST API behind API Gateway (REST or HTTP API), a function URL or a load balancer."""

import asyncio
from typing import Any

from mangum import Mangum
from starlette.types import Message, Receive, Scope, Send

from app.aws_lambda.context import Context, EventError, seconds_left
from app.problem_types import TOO_LATE
from app.rest.application import RestApplication
from app.rest.problems import send_problem
from app.startup import load_program

RESERVE = 0.2
"""Seconds before the time-out at which the response is 504."""
_PREFIX = "beer_model_prefix"
"""Key of the prefix of the path, in an event that the application receives."""


class DeadlineMiddleware:
    """ASGI middleware that passes on the root path, and responds with 504 before the invocation times out."""

    def __init__(self, app: RestApplication) -> None:
        """Wrap the REST API.

        Args:
            app: The REST API.
        """
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        started = False

        async def send_and_note(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        scope = {**scope, "root_path": scope["aws.event"][_PREFIX]}
        try:
            async with asyncio.timeout(seconds_left(scope["aws.context"], RESERVE)):
                await self._app(scope, receive, send_and_note)
        except TimeoutError:
            if not started:
                await send_problem(send, TOO_LATE, headers=self._app.cors_headers(scope["headers"]))


_adapter = Mangum(
    DeadlineMiddleware(load_program()[1].rest),
    lifespan="off",
    text_mime_types=["text/", "application/json", "application/problem+json", "application/javascript"],
)


def handler(event: Any, context: Context) -> dict[str, Any]:
    """Answer an HTTP event.

    Args:
        event: An event of API Gateway (format 1.0 or 2.0), a function URL or an application load balancer. A stage, a
            base path or a route's prefix in the path is the ASGI root path.
        context: The context of the invocation.

    Returns:
        The response in the format of the event.

    Raises:
        EventError: If the event is not an HTTP event.
    """
    try:
        event = {**event, _PREFIX: _prefix(event)}
        adapted = _adapter.infer(event, context)  # type: ignore[arg-type]
        if not _is_request(adapted.scope, adapted.body):
            raise ValueError
        return _adapter(event, context)  # type: ignore[arg-type]
    except Exception as error:  # the application raises nothing, so the adapter cannot read the event
        raise EventError(f"not a supported HTTP event ({type(error).__name__})") from None


def _prefix(event: dict[str, Any]) -> str:
    """Return what precedes the program's own path in the path of an event.

    API Gateway leaves in the path: the name of a stage other than ``$default`` (HTTP API), the base path of a custom
    domain (REST API), and whatever a route has before ``{proxy+}`` (both).

    Args:
        event: An HTTP event, unchecked.
    """
    context = event["requestContext"]
    http = context.get("http")
    path: str = http["path"] if http else event["path"]
    rest = f"/{(event.get('pathParameters') or {}).get('proxy')}"
    stage = f"/{context.get('stage')}"
    if path.endswith(rest):
        return path.removesuffix(rest)
    named = "version" in event and (path == stage or path.startswith(f"{stage}/"))  # a REST API's event has no version
    return stage if named else ""


def _is_request(scope: Scope, body: object) -> bool:
    """Whether the types are those of ASGI: the adapter copies values from the event without checks."""
    return (
        isinstance(body, bytes)
        and isinstance(scope["method"], str)
        and isinstance(scope["path"], str)
        and isinstance(scope["query_string"], bytes)
        and isinstance(scope["client"][0], str)
        and all(isinstance(name, bytes) and isinstance(value, bytes) for name, value in scope["headers"])
    )
