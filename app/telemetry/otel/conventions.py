"""Attributes of calls, by the semantic conventions of OpenTelemetry for HTTP and RPC.

The conventions ask for the requested path and the client's address as well; neither is sent, see docs/telemetry.md.
"""

from opentelemetry.semconv._incubating.attributes.rpc_attributes import (
    RPC_METHOD,
    RPC_RESPONSE_STATUS_CODE,
    RPC_SYSTEM_NAME,
)
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.http_attributes import (
    HTTP_REQUEST_METHOD,
    HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE,
)
from opentelemetry.semconv.attributes.server_attributes import SERVER_ADDRESS, SERVER_PORT
from opentelemetry.semconv.attributes.url_attributes import URL_SCHEME
from opentelemetry.util.types import AttributeValue

from app.telemetry.calls import CallNotes

Attributes = dict[str, AttributeValue]

CLIENT_GONE = 499
"""HTTP status of a call whose client left before the response: none was sent."""
OTHER = "_OTHER"
"""Placeholder for an unknown method."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
_SERVER_ERRORS = frozenset({"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"})
"""gRPC codes that are errors of the server."""


def known_method(method: str) -> str:
    """Return an HTTP method, or the placeholder for an unknown one."""
    return method if method in _METHODS else OTHER


def rpc_method(route: str) -> str:
    """Return the full name of a gRPC method from its route, or the placeholder for an unknown one."""
    return route.removeprefix("/") or OTHER


def attributes_of(call: CallNotes) -> Attributes:
    """Return the attributes of a call that has ended."""
    return _rpc_attributes(call) if call.transport == "grpc" else _http_attributes(call)


def model_server_attributes(target: str) -> Attributes:
    """Return the attributes of a call to a model server.

    Args:
        target: Host and port of the server.
    """
    host, _, port = target.rpartition(":")
    return {
        RPC_SYSTEM_NAME: "grpc",
        RPC_METHOD: "inference.GRPCInferenceService/ModelInfer",
        SERVER_ADDRESS: host.strip("[]"),
        SERVER_PORT: int(port),
    }


def _http_attributes(call: CallNotes) -> Attributes:
    attributes: Attributes = {HTTP_REQUEST_METHOD: known_method(call.method), URL_SCHEME: "http"}
    if call.route:
        attributes[HTTP_ROUTE] = call.route
    if call.status != CLIENT_GONE:
        attributes[HTTP_RESPONSE_STATUS_CODE] = call.status
    if call.status >= CLIENT_GONE:
        attributes[ERROR_TYPE] = str(call.status)
    return attributes


def _rpc_attributes(call: CallNotes) -> Attributes:
    attributes: Attributes = {
        RPC_SYSTEM_NAME: "grpc",
        RPC_METHOD: rpc_method(call.route),
        RPC_RESPONSE_STATUS_CODE: call.code,
    }
    if call.code in _SERVER_ERRORS:
        attributes[ERROR_TYPE] = call.code
    return attributes
