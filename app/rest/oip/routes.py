"""FastAPI routes of the Open Inference Protocol: they document the endpoints and call their application."""

from typing import Any, get_args

from fastapi import FastAPI
from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode
from starlette.responses import Response

from app.models.state import VersionState
from app.oip.schema import ANSWERS
from app.problem_types import INVALID_INPUT, NOT_READY, TIMEOUT
from app.rest.oip.application import INVALID_CALL, OPEN_PATHS, OipApplication
from app.rest.oip.endpoints import INDEX_OPTIONS, REPOSITORY_OPTIONS, Endpoint
from app.rest.oip.messages import InferRequest
from app.rest.openapi import CALL_PROBLEMS, KEYED, MODEL_PROBLEMS, PROBLEM_CONTENT, Responses, problem_responses
from app.rest.responses import AsgiResponse
from app.rest.schemas import reference

_ERROR_CONTENT = {"application/json": {"schema": reference("InferenceError")}}
_BODIES: dict[str, tuple[str, TypeAdapter[Any]]] = {
    "infer": ("InferRequest", TypeAdapter(InferRequest)),
    "index": ("IndexOptions", INDEX_OPTIONS),
    "load": ("RepositoryOptions", REPOSITORY_OPTIONS),
}
"""Name and type of the body, by the last part of the path."""
_EXAMPLES = {
    "infer": {
        "beer-ibu": {
            "summary": "Model beer-ibu: two beers, one tensor for each input",
            "value": {
                "inputs": [
                    {"name": "abv", "datatype": "FP32", "shape": [2, 1], "data": [5.6, 7.2]},
                    {"name": "target_og", "datatype": "FP32", "shape": [2, 1], "data": [1056, 1068]},
                    {"name": "target_fg", "datatype": "FP32", "shape": [2, 1], "data": [1013, 1013]},
                ]
            },
        },
        "iris": {
            "summary": "Model iris: one flower, and one of the outputs",
            "value": {
                "inputs": [{"name": "features", "datatype": "FP32", "shape": [1, 4], "data": [5.1, 3.5, 1.4, 0.2]}],
                "outputs": [{"name": "class_id"}],
            },
        },
    },
    "index": {"ready": {"summary": "Only versions that can answer", "value": {"ready": True}}},
    "load": {"load": {"summary": "No options", "value": {}}},
}
"""Bodies by the last part of the path; without them, the page /docs makes up some that no model answers."""


def add_oip(router: FastAPI, application: OipApplication) -> None:
    """Add a route for each endpoint of the protocol.

    Args:
        router: The FastAPI application.
        application: The protocol's application.
    """

    async def server_endpoint() -> Response:
        return AsgiResponse(application)

    async def model_endpoint(model: str) -> Response:
        return AsgiResponse(application)

    async def version_endpoint(model: str, version: str) -> Response:
        return AsgiResponse(application)

    for endpoint in application.endpoints:
        function: Any = server_endpoint
        if "{version}" in endpoint.path:
            function = version_endpoint
        elif "{model}" in endpoint.path:
            function = model_endpoint
        is_open = endpoint.path in OPEN_PATHS
        router.add_api_route(
            endpoint.path,
            function,
            methods=[endpoint.method],
            name=endpoint.name,
            operation_id=endpoint.name,
            summary=endpoint.summary,
            tags=["Open Inference Protocol"],
            dependencies=[] if is_open else KEYED,
            responses=_responses(endpoint),
            openapi_extra=_request_body(endpoint),
        )


def _responses(endpoint: Endpoint) -> Responses:
    answer: Responses = {200: {"description": "The answer", "content": _answer_content(endpoint)}}
    if endpoint.path in OPEN_PATHS:
        return answer | problem_responses(NOT_READY, content=_ERROR_CONTENT)
    if endpoint.method == "GET":
        responses = problem_responses(*MODEL_PROBLEMS, content=_ERROR_CONTENT)
    else:
        responses = problem_responses(INVALID_CALL, *CALL_PROBLEMS, content=_ERROR_CONTENT)
        responses |= problem_responses(TIMEOUT, content=PROBLEM_CONTENT)  # sent by the server, not by the application
    # without it, FastAPI would document its own format for invalid input
    return {**answer, **responses, "4XX": {"description": INVALID_INPUT.title, "content": _ERROR_CONTENT}}


def _answer_content(endpoint: Endpoint) -> dict[str, Any]:
    """Return the documentation of an answer in JSON.

    Tensors as bytes are left out: only clients that know them ask for them, and others would have to tell a text from
    the answer.
    """
    (item,) = get_args(endpoint.answer) or (endpoint.answer,)
    schema = reference(item.__name__)
    return {"application/json": {"schema": schema if item is endpoint.answer else {"type": "array", "items": schema}}}


def _request_body(endpoint: Endpoint) -> dict[str, Any] | None:
    """Return the documentation of an endpoint's body. The application reads it, since it need not be JSON alone."""
    action = endpoint.path.rpartition("/")[2]
    if action not in _BODIES:
        return None
    content = {"application/json": {"schema": reference(_BODIES[action][0]), "examples": _EXAMPLES[action]}}
    return {"requestBody": {"required": action == "infer", "content": content}}


def oip_schemas() -> dict[str, Any]:
    """Return the schemas of the bodies and answers by name, with the schemas that they refer to."""
    kinds: list[tuple[str, JsonSchemaMode, TypeAdapter[Any]]] = [
        *((name, "validation", adapter) for name, adapter in _BODIES.values()),
        *((answer.__name__, "serialization", TypeAdapter(answer)) for answer in (*ANSWERS, VersionState)),
    ]
    schemas, definitions = TypeAdapter.json_schemas(kinds, ref_template=reference("{model}")["$ref"])
    named = {name: schema for (name, _), schema in schemas.items() if "$ref" not in schema}
    return {**named, **definitions.get("$defs", {})}
