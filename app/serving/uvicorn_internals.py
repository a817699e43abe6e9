"""The names of uvicorn that are not public API: only this module imports them.

uvicorn may rename them in any minor version. `check_uvicorn` therefore compares them at the start.
"""

import asyncio
import logging
from typing import Any

import uvicorn

from app.startup import exit_with

WANTED = "0.54"
"""Minor version of uvicorn that the tests cover."""
EXIT_UVICORN = 1
"""Exit code if the installed uvicorn does not fit."""

_SERVER_METHODS = ("startup", "shutdown", "on_tick", "run", "handle_exit")
_SERVER_ATTRIBUTES = ("server_state", "started", "should_exit", "force_exit")
_STATE_ATTRIBUTES = ("connections", "tasks", "default_headers", "total_requests")
_FLOW_ATTRIBUTES = ("pause_reading", "resume_reading", "pause_writing", "resume_writing", "write_paused")
_CYCLE_ATTRIBUTES = (
    "scope",
    "run_asgi",
    "message_event",
    "body",
    "more_body",
    "keep_alive",
    "disconnected",
    "response_started",
    "response_complete",
)


def _explain(problem: str) -> str:
    return (
        f"uvicorn {uvicorn.__version__} does not fit: {problem}. Install the tested version: pip install"
        f" 'uvicorn=={WANTED}.*'"
    )


try:
    from uvicorn.config import STARTUP_FAILURE
    from uvicorn.protocols.http.flow_control import FlowControl
    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle
    from uvicorn.server import ServerState
except ImportError as error:
    exit_with(_explain(str(error)), EXIT_UVICORN)

__all__ = ["STARTUP_FAILURE", "FlowControl", "RequestResponseCycle", "ServerState", "check_uvicorn", "new_cycle"]

LOGGER = logging.getLogger("uvicorn.error")
"""Takes what uvicorn logs about requests and the server, its name notwithstanding."""


def new_cycle(
    scope: Any,
    transport: Any,
    flow: FlowControl,
    default_headers: list[tuple[bytes, bytes]],
    expect_100_continue: bool,
    keep_alive: bool,
    on_response: Any,
) -> RequestResponseCycle:
    """Create uvicorn's object for a request and its response.

    Args:
        scope: ASGI scope of the request.
        transport: Takes the bytes of the response.
        flow: Flow control of the connection.
        default_headers: Headers of every response.
        expect_100_continue: Whether the client waits for ``100 Continue``.
        keep_alive: Whether the connection stays open after the response.
        on_response: Called without arguments once the response is complete.
    """
    return RequestResponseCycle(
        scope=scope,
        transport=transport,
        flow=flow,
        logger=LOGGER,
        access_logger=LOGGER,
        access_log=False,
        default_headers=default_headers,
        message_event=asyncio.Event(),
        expect_100_continue=expect_100_continue,
        keep_alive=keep_alive,
        on_response=on_response,
    )


def missing_names() -> list[str]:
    """Names that the program needs and the installed uvicorn lacks."""
    flow = FlowControl(None)  # type: ignore[arg-type]
    parts: list[tuple[object, tuple[str, ...]]] = [
        (uvicorn.Server, _SERVER_METHODS),
        (uvicorn.Server(uvicorn.Config("", log_config=None)), _SERVER_ATTRIBUTES),
        (ServerState(), _STATE_ATTRIBUTES),
        (flow, _FLOW_ATTRIBUTES),
        (new_cycle({}, None, flow, [], False, True, lambda: None), _CYCLE_ATTRIBUTES),
    ]
    return [f"{_name(part)}.{name}" for part, names in parts for name in names if not hasattr(part, name)]


def check_uvicorn() -> None:
    """Check that the installed uvicorn has every name that the program needs.

    Raises:
        SystemExit: 1 if a name is missing; stderr says which, and which version of uvicorn to install.
    """
    try:
        missing = missing_names()
    except TypeError as error:  # a constructor takes other arguments
        exit_with(_explain(str(error)), EXIT_UVICORN)
    if missing:
        exit_with(_explain(f"it lacks {', '.join(missing)}"), EXIT_UVICORN)


def _name(part: object) -> str:
    return part.__name__ if isinstance(part, type) else type(part).__name__
