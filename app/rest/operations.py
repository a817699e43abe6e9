"""Operations: one ASGI handler a domain operation, and the route that holds it for the router and OpenAPI."""

import inspect
from typing import Any

from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError

from app.domains.face import Operation
from app.errors import CallError, InputError
from app.rest.asgi import Receive, Scope, Send, respond
from app.rest.body import MEGABYTE, check_json, read_body
from app.rest.gate import refuse
from app.rest.problems import INVALID, KINDS, RequestRefused, problems_of, send_problem

BODY_LIMITS = {"one": MEGABYTE, "many": 8 * MEGABYTE}
"""Most bytes of a body, by the operation's size."""


class OperationHandler:
    """Answers one operation: bytes, schema, face, schema, bytes, with nothing between them."""

    def __init__(self, operation: Operation[Any, Any]) -> None:
        """Args:
        operation: What a face can be asked.
        """
        self.operation = operation
        self._limit = BODY_LIMITS[operation.size]
        self._validate = TypeAdapter(operation.request).validator.validate_json
        self._to_json = TypeAdapter(operation.answer).serializer.to_json

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI, for POST."""
        scope["state"]["route"] = self.operation.path
        try:
            check_json(scope)
            body = await read_body(scope, receive, self._limit)
            answer = self._to_json(self.operation.run(self._validate(body)))
        except RequestRefused as refusal:
            await refuse(scope, receive, send, refusal.kind, unread=refusal.unread)
        except ValidationError as error:
            await send_problem(send, INVALID, problems_of(error))
        except InputError as error:
            await send_problem(send, INVALID, error.problems)
        except CallError as error:
            await send_problem(send, KINDS[type(error)])
        else:
            await respond(send, 200, answer)


class OperationRoute(APIRoute):
    """A route that FastAPI documents like any other and that answers with the operation's own handler."""

    def __init__(self, operation: Operation[Any, Any], **described: Any) -> None:
        """Args:
        operation: What a face can be asked.
        described: More of `APIRoute`'s arguments.
        """
        super().__init__(
            operation.path,
            _signature(operation),
            methods=["POST"],
            name=operation.name,
            operation_id=operation.name,
            summary=operation.summary,
            description=operation.description,
            response_model=operation.answer,
            response_description=operation.answered,
            **described,
        )
        self.handler = OperationHandler(operation)
        self.app = self.handler


def _signature(operation: Operation[Any, Any]) -> Any:
    """A function from which FastAPI reads the request's schema; it is never called."""

    def endpoint(body: Any) -> None:
        """Stands for the handler in the OpenAPI document."""

    parameter = inspect.Parameter("body", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=operation.request)
    endpoint.__signature__ = inspect.Signature([parameter])  # type: ignore[attr-defined]
    return endpoint
