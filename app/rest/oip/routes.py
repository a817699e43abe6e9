"""Routes of the protocol: what the router and the OpenAPI document hold of each endpoint."""

import inspect
from typing import Any

from fastapi.routing import APIRoute

from app.rest.oip.application import OPEN_PATHS, OipApplication
from app.rest.oip.endpoints import Endpoint, IndexOptions, RepositoryOptions
from app.rest.oip.messages import InferRequest
from app.rest.openapi import KEYED

_BODIES: dict[str, Any] = {"infer": InferRequest, "index": IndexOptions | None, "load": RepositoryOptions | None}
_ERROR = {
    "description": "What is wrong; the input is never repeated.",
    "content": {
        "application/json": {
            "schema": {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
        }
    },
}
_FAILURES: dict[str, tuple[int | str, ...]] = {
    "GET": (401, 403, 404, 429, 503, "4XX"),
    "POST": (400, 401, 403, 404, 413, 415, 429, 503, 504, "4XX"),
}
"""By method; ``4XX`` keeps FastAPI from adding its own words for wrong input."""


class EndpointRoute(APIRoute):
    """A route that FastAPI documents like any other and that the protocol's own door answers."""

    def __init__(self, endpoint: Endpoint, door: OipApplication) -> None:
        """Initialize the endpoint route.

        Args:
            endpoint: What is asked.
            door: Answers it.
        """
        is_open = endpoint.path in OPEN_PATHS
        failures: tuple[int | str, ...] = (503,) if is_open else _FAILURES[endpoint.method]
        super().__init__(
            endpoint.path,
            _signature(endpoint),
            methods=[endpoint.method],
            name=endpoint.name,
            operation_id=endpoint.name,
            summary=endpoint.summary,
            tags=["Open Inference Protocol"],
            dependencies=[] if is_open else KEYED,
            responses={status: _ERROR for status in failures},
        )
        self.app = door


def _signature(endpoint: Endpoint) -> Any:
    """A function from which FastAPI reads what is sent; it is never called."""

    def documented(**_: Any) -> None:
        """Stands for the endpoint in the OpenAPI document."""

    names = [name for name in ("model", "version") if f"{{{name}}}" in endpoint.path]
    parameters = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=str) for name in names]
    body = _BODIES.get(endpoint.path.rpartition("/")[2])
    if body is not None:
        default = inspect.Parameter.empty if body is InferRequest else None
        parameters.append(inspect.Parameter("body", inspect.Parameter.KEYWORD_ONLY, annotation=body, default=default))
    documented.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return documented
