"""Labels over REST: ``POST /feedback``. Imported only where labels are taken."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel, TypeAdapter
from starlette.types import Receive, Scope, Send

from app.domains.api import Example
from app.errors import CallError, InputError, Problem
from app.labels.store import Offer
from app.labels.writer import LabelWriter
from app.problem_types import INVALID_INPUT, LABEL_CONFLICT, LABELS_UNAVAILABLE, problem_type_of
from app.rest.body import check_json, json_cost, read_body, reject, release
from app.rest.json_body import json_reader
from app.rest.openapi import KEYED, OPERATION_PROBLEMS, problem_responses
from app.rest.operations import route_class
from app.rest.paths import FEEDBACK_PATH
from app.rest.problems import RequestRejected, send_problem
from app.rest.responses import respond
from app.runtime.memory_budget import MemoryBudget, Reservation
from app.runtime.thread_pool import BoundedThreadPool


@dataclass(frozen=True)
class LabelForm:
    """What a domain takes as labels."""

    request: type[BaseModel]
    """Schema of the request."""
    answer: type[Any]
    """Schema of the answer, which has the field ``id``."""
    offer: Callable[[Any, str], Offer]
    """Makes a label of a valid request and the id of the caller's key."""
    contradictions: Callable[[object], list[Problem]]
    """See `app.domains.api.Operation.contradictions`."""
    examples: dict[str, Example]
    """Requests by name, for the documentation."""


class FeedbackHandler:
    """ASGI application that takes labels."""

    def __init__(
        self,
        form: LabelForm,
        writer: LabelWriter,
        thread_pool: BoundedThreadPool,
        memory_budget: MemoryBudget,
        limit: int,
    ) -> None:
        """Create the handler.

        Args:
            form: What is taken.
            writer: Stores the labels.
            thread_pool: Runs the model on a beer that comes with a label.
            memory_budget: Limits what requests in progress hold.
            limit: Maximum bytes of a body.
        """
        self._form = form
        self._writer = writer
        self._thread_pool = thread_pool
        self._memory_budget = memory_budget
        self._limit = limit
        self._read = json_reader(form.request, form.contradictions)
        self._to_json = TypeAdapter(form.answer).serializer.to_json

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a POST request of a caller with a key."""
        scope["state"]["route"] = FEEDBACK_PATH
        reservation: Reservation | None = None
        try:
            check_json(scope)
            body, reservation = await read_body(scope, receive, self._limit, self._memory_budget, json_cost)
            offer = await self._thread_pool.run(partial(self._offer, scope["state"]["principal"].id), body)
            await self._writer.add(offer)
        except RequestRejected as rejection:
            headers, unread = rejection.headers, rejection.unread
            await reject(scope, receive, send, rejection.problem_type, *headers, unread=unread)
        except InputError as error:
            await send_problem(send, INVALID_INPUT, error.problems)
        except CallError as error:
            await send_problem(send, problem_type_of(type(error)))
        else:
            await respond(send, 200, self._to_json({"id": offer.label.id}))
        finally:
            if reservation is not None:
                release(reservation)

    def _offer(self, key_id: str, body: bytes) -> Offer:
        return self._form.offer(self._read(body), key_id)

    def add_route(self, router: FastAPI) -> None:
        """Add the FastAPI route, which documents the handler; `RestApplication` calls the handler itself.

        Args:
            router: The FastAPI application.
        """
        form = self._form

        async def endpoint(body: form.request) -> None:  # type: ignore[name-defined]
            raise NotImplementedError  # the handler reads the body

        examples = {name: dict(each) for name, each in form.examples.items()}
        router.router.add_api_route(
            FEEDBACK_PATH,
            endpoint,
            methods=["POST"],
            name="feedback",
            operation_id="feedback",
            summary="Say what the bitterness of a beer is",
            description="A label: the bitterness that was measured, or is stated, of a beer that the model has "
            "answered, or that comes with it. It is on the disk when the answer comes. The same label again has the "
            "same answer and counts once; another one for the same beer is a conflict, unless it says `replace`. "
            "Requires the scope `feedback`.",
            response_model=form.answer,
            response_description="The label is stored",
            dependencies=KEYED,
            responses=problem_responses(*OPERATION_PROBLEMS, LABEL_CONFLICT, LABELS_UNAVAILABLE),
            openapi_extra={
                "requestBody": {
                    "description": f"At most {self._limit:,} bytes.",
                    "content": {"application/json": {"examples": examples}},
                }
            },
            route_class_override=route_class(self),
        )
