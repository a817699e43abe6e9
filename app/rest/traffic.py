"""The call of an HTTP request while a version is tried."""

from functools import partial
from typing import TYPE_CHECKING

from starlette.types import Scope

if TYPE_CHECKING:
    from app.traffic.calls import Call
    from app.traffic.rollouts import Rollouts


def call_of(rollouts: "Rollouts", scope: Scope) -> "Call":
    """Return the call of a request.

    Args:
        rollouts: The rollouts that are on.
        scope: ASGI scope of the request.
    """
    state = scope["state"]
    principal = state.get("principal")
    return rollouts.call(state["request_id"], principal.id if principal else "", partial(_header, scope))


def _header(scope: Scope, name: str) -> bytes | None:
    """Return the value of a header; None if it is missing, or repeated, so that a proxy might take another one."""
    encoded = name.encode()
    values = [value for header, value in scope["headers"] if header == encoded]
    return values[0] if len(values) == 1 else None
