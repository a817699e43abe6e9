"""The one table of errors: what each error means over HTTP and over gRPC.

REST, gRPC, the OpenAPI document and the table in docs/protocols.md take codes, statuses and sentences from here. The
module imports no transport: a gRPC status is given by the name of its member in `grpc.StatusCode`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from app.errors import (
    CallError,
    InputError,
    InvalidOutput,
    LabelConflict,
    LabelsUnavailable,
    Limited,
    LimitsUnavailable,
    ModelNotFound,
    ModelNotReady,
    NotAllowed,
    NotAuthenticated,
    Overloaded,
    RateExceeded,
    TooLarge,
    TooLate,
    TooManyFailures,
)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ProblemType:
    """A type of problem that a client can meet. Codes and statuses are stable; titles and details are not."""

    code: str
    """Stable identifier for programs."""
    http_status: int = 0
    """HTTP status; 0 if the problem does not occur over HTTP."""
    grpc_status: str = ""
    """Name of the gRPC status code; empty if the problem does not occur over gRPC."""
    title: str
    """Short summary for people."""
    detail: str
    """Explanation for people."""
    grpc_detail: str = ""
    """Explanation over gRPC; empty if it is the same as over HTTP."""
    retry_after: int | None = None
    """Seconds after which the call may be retried, if they are the same for every call."""


MALFORMED_REQUEST = ProblemType(
    code="malformed_request",
    http_status=400,
    grpc_status="INVALID_ARGUMENT",
    title="Malformed request",
    detail="The request is malformed.",
    grpc_detail="The message is not a valid request of this method.",
)
INVALID_INPUT = ProblemType(
    code="invalid_input",
    http_status=422,
    grpc_status="INVALID_ARGUMENT",
    title="Invalid input",
    detail="The input is invalid. See `errors`.",
    grpc_detail="The message contains invalid values.",
)
NOT_AUTHENTICATED = ProblemType(
    code="not_authenticated",
    http_status=401,
    grpc_status="UNAUTHENTICATED",
    title="Not authenticated",
    detail="Send a valid API key in the header X-API-Key.",
    grpc_detail="Send a valid API key in the metadata x-api-key.",
)
NOT_ALLOWED = ProblemType(
    code="not_allowed",
    http_status=403,
    grpc_status="PERMISSION_DENIED",
    title="Not allowed",
    detail="The API key lacks the scope for this route.",
    grpc_detail="The API key lacks the scope for this method.",
)
RATE_EXCEEDED = ProblemType(
    code="rate_exceeded",
    http_status=429,
    grpc_status="RESOURCE_EXHAUSTED",
    title="Rate exceeded",
    detail="The API key has exceeded its rate limit.",
)
TOO_MANY_FAILURES = ProblemType(
    code="too_many_failures",
    http_status=429,
    grpc_status="RESOURCE_EXHAUSTED",
    title="Too many failures",
    detail="Too many invalid API keys were sent from this address. A valid API key is still accepted.",
)
LIMITS_UNAVAILABLE = ProblemType(
    code="limits_unavailable",
    http_status=503,
    grpc_status="UNAVAILABLE",
    title="Limits unavailable",
    detail="The rate limit of the API key cannot be checked. Retry after 1 second.",
    retry_after=1,
)
MODEL_NOT_FOUND = ProblemType(
    code="model_not_found",
    http_status=404,
    grpc_status="NOT_FOUND",
    title="Model not found",
    detail="The model or the version does not exist.",
)
NOT_READY = ProblemType(
    code="not_ready",
    http_status=503,
    grpc_status="UNAVAILABLE",
    title="Not ready",
    detail="The model is not ready.",
)
OVERLOADED = ProblemType(
    code="overloaded",
    http_status=503,
    grpc_status="RESOURCE_EXHAUSTED",
    title="Overloaded",
    detail="The server is overloaded. Retry after 1 second.",
    retry_after=1,
)
TOO_LATE = ProblemType(
    code="too_late",
    http_status=504,
    grpc_status="DEADLINE_EXCEEDED",
    title="Too late",
    detail="The model did not answer in time.",
)
LABEL_CONFLICT = ProblemType(
    code="label_conflict",
    http_status=409,
    title="Another label",
    detail="This API key has sent another label of this kind for this beer. Send it with replace: true to correct it.",
)
LABELS_UNAVAILABLE = ProblemType(
    code="labels_unavailable",
    http_status=503,
    title="Labels unavailable",
    detail="The label cannot be stored. Send it again after 10 seconds; a label that is sent twice counts once.",
    retry_after=10,
)
NOT_FOUND = ProblemType(
    code="not_found",
    http_status=404,
    grpc_status="UNIMPLEMENTED",
    title="Not found",
    detail="This path does not exist.",
    grpc_detail="This method does not exist.",
)
SERVICE_NOT_FOUND = ProblemType(
    code="not_found",
    grpc_status="NOT_FOUND",
    title="Not found",
    detail="This service does not exist.",
)
TRAILING_SLASH = ProblemType(
    code="trailing_slash",
    http_status=308,
    title="No slash at the end",
    detail="This path has no slash at its end. See the header Location.",
)
METHOD_NOT_ALLOWED = ProblemType(
    code="method_not_allowed",
    http_status=405,
    title="Method not allowed",
    detail="This path does not support the method. See the header Allow.",
)
TIMEOUT = ProblemType(
    code="timeout",
    http_status=408,
    title="Request timeout",
    detail="The request did not arrive in time.",
)
BODY_TIMEOUT = ProblemType(
    code="body_timeout",
    grpc_status="DEADLINE_EXCEEDED",
    title="Request timeout",
    detail="The message did not arrive in time.",
)
TOO_LARGE = ProblemType(
    code="too_large",
    http_status=413,
    grpc_status="RESOURCE_EXHAUSTED",
    title="Content too large",
    detail="The body exceeds the size limit of this route.",
    grpc_detail="The message exceeds the size limit of this server.",
)
TOO_COMPLEX = ProblemType(
    code="too_complex",
    http_status=413,
    grpc_status="RESOURCE_EXHAUSTED",
    title="Content too complex",
    detail="The body would take more memory than this server allows. Send it in parts.",
    grpc_detail="The message would take more memory than this server allows. Send it in parts.",
)
URI_TOO_LONG = ProblemType(
    code="uri_too_long",
    http_status=414,
    title="URI too long",
    detail="The request target exceeds the length limit.",
)
UNSUPPORTED_MEDIA_TYPE = ProblemType(
    code="unsupported_media_type",
    http_status=415,
    title="Unsupported media type",
    detail="Send JSON with the header Content-Type: application/json.",
)
HEADERS_TOO_LARGE = ProblemType(
    code="headers_too_large",
    http_status=431,
    title="Headers too large",
    detail="The headers exceed the limit of their size or number.",
)
INTERNAL_ERROR = ProblemType(
    code="internal_error",
    http_status=500,
    grpc_status="INTERNAL",
    title="Internal error",
    detail="An internal error occurred. The log contains it under the X-Request-ID of this response.",
    grpc_detail="An internal error occurred. The log contains it under the x-request-id of this call's metadata.",
)

PROBLEM_TYPES = (
    MALFORMED_REQUEST,
    INVALID_INPUT,
    NOT_AUTHENTICATED,
    NOT_ALLOWED,
    RATE_EXCEEDED,
    TOO_MANY_FAILURES,
    LIMITS_UNAVAILABLE,
    MODEL_NOT_FOUND,
    NOT_READY,
    OVERLOADED,
    TOO_LATE,
    LABEL_CONFLICT,
    LABELS_UNAVAILABLE,
    NOT_FOUND,
    SERVICE_NOT_FOUND,
    TRAILING_SLASH,
    METHOD_NOT_ALLOWED,
    TIMEOUT,
    BODY_TIMEOUT,
    TOO_LARGE,
    TOO_COMPLEX,
    URI_TOO_LONG,
    UNSUPPORTED_MEDIA_TYPE,
    HEADERS_TOO_LARGE,
    INTERNAL_ERROR,
)
"""Every type of problem, in the order of the documentation."""

_BY_ERROR: Mapping[type[CallError], ProblemType] = {
    InputError: INVALID_INPUT,
    NotAuthenticated: NOT_AUTHENTICATED,
    NotAllowed: NOT_ALLOWED,
    Limited: RATE_EXCEEDED,
    RateExceeded: RATE_EXCEEDED,
    TooManyFailures: TOO_MANY_FAILURES,
    LimitsUnavailable: LIMITS_UNAVAILABLE,
    ModelNotFound: MODEL_NOT_FOUND,
    ModelNotReady: NOT_READY,
    InvalidOutput: NOT_READY,
    Overloaded: OVERLOADED,
    TooLate: TOO_LATE,
    LabelConflict: LABEL_CONFLICT,
    LabelsUnavailable: LABELS_UNAVAILABLE,
    TooLarge: TOO_COMPLEX,
}


def problem_type_of(error: type[CallError]) -> ProblemType:
    """Return the problem type of a class of errors, or that of its base."""
    return next(_BY_ERROR[base] for base in error.__mro__ if base in _BY_ERROR)


def retry_after(error: CallError) -> int | None:
    """Return the seconds after which a failed call may be retried; None if they are not known."""
    return error.seconds if isinstance(error, Limited) else problem_type_of(type(error)).retry_after
