"""Serving in one process: the service port, the management port beside it, and the end."""

import ctypes
import gc
import logging
import os
import socket
import sys
from collections.abc import Callable

from app.composition.program import Program
from app.errors import SettingsError
from app.serving.limits import ConnectionLimits
from app.serving.management import Management, ManagementApp
from app.serving.server import BoundedServer, CompanionServer
from app.serving.sockets import address_of, allow_many_connections, listen, reserve
from app.settings import Settings
from app.startup import EXIT_SETTINGS, quit_with

EXIT_ADDRESS = 1
"""Exit code where an address cannot be listened on; the log says which and why."""
SWITCH_SECONDS = 0.0005
"""How long a thread of the pool may keep the event loop, or the management port, from Python; 5 ms by default."""
YOUNG_OBJECTS = 10_000
"""Objects after which the collector looks, 700 by default: as many as a few dozen requests have, so that with thousands
of them waiting it would go through all again and again, a tenth of the time."""
_log = logging.getLogger(__name__)


def open_port(host: str, port: int) -> socket.socket:
    """Open a port; see `listen`.

    Raises:
        SystemExit: 1 where that is not possible.
    """
    try:
        return listen(host, port)
    except OSError as error:
        _log.error("cannot listen on %s port %d: %s", host, port, str(error.strerror).lower())
        raise SystemExit(EXIT_ADDRESS) from None


def start_management(settings: Settings, program: Program, is_ready: Callable[[], bool]) -> Management | None:
    """Serve the management port, if one is set.

    Args:
        settings: Name the port.
        program: Has the metrics.
        is_ready: Whether predictions are answered.

    Raises:
        SystemExit: 1 where the port cannot be opened.
    """
    if not settings.management_port:
        return None
    listening = open_port(settings.host, settings.management_port)
    management = Management(
        ManagementApp(is_ready, program.metrics_app), listening, ConnectionLimits.from_settings(settings)
    )
    management.start()
    return management


def serve(settings: Settings, program: Program) -> None:
    """Serve in this process until told to stop.

    Args:
        settings: Name the ports and bounds.
        program: Ready to answer.

    Raises:
        SystemExit: 1 where a port cannot be opened.
    """
    management = start_management(settings, program, lambda: program.lifecycle.ready)
    listening, kept = open_port(settings.host, settings.port), keep_rpc_port(settings)
    rpc = address_of(kept) if kept else ""
    try:
        run(settings, program, listening, rpc, lambda: _log.info("running on %s", told(listening, rpc)))
    finally:
        if management is not None:
            management.stop()


def told(listening: socket.socket, rpc: str) -> str:
    """The addresses of the program, for the log."""
    return f"http://{address_of(listening)}{f' and grpc://{rpc}' if rpc else ''}"


def keep_rpc_port(settings: Settings) -> socket.socket | None:
    """Keep the port of gRPC for this process, or for its workers, if it is to be served.

    Args:
        settings: Name it, and the files for TLS.

    Raises:
        SystemExit: 2 where a file is missing or broken, 1 where somebody listens on the port.
    """
    if not (settings.grpc_enabled or settings.serves_models_only):
        return None
    from app.composition.grpc import check_tls

    try:
        check_tls(settings)
        return reserve(settings.host, settings.grpc_port)
    except SettingsError as error:
        quit_with(f"Settings: {error}", EXIT_SETTINGS)
    except OSError as error:
        _log.error(
            "cannot listen on %s port %d: %s; GRPC_PORT names another, GRPC_ENABLED=false does without",
            settings.host,
            settings.grpc_port,
            str(error.strerror).lower(),
        )
        raise SystemExit(EXIT_ADDRESS) from None


def settle() -> None:
    """Let the collector work from now on, and never look at what is loaded, which stays, whatever the load.

    It does not look before either: a start leaves a thousand objects of garbage, and to find them takes 35 to 60 ms.
    """
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS)
    gc.enable()


def _give_back_memory() -> None:
    """Let the kernel have what loading needed and serving does not; elsewhere than in glibc that has no name."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def run(settings: Settings, program: Program, listening: socket.socket, rpc: str, on_start: Callable[[], None]) -> None:
    """Serve an open port until a signal says to stop.

    Args:
        settings: Give the bounds.
        program: Ready to answer.
        listening: An open port.
        rpc: Address that is kept for gRPC; empty: none is served.
        on_start: Called once requests are answered.
    """
    allow_many_connections()
    sys.setswitchinterval(SWITCH_SECONDS)
    rest = program.rest
    companion = _grpc_server(settings, program, rpc) if rpc else None
    settle()
    _give_back_memory()
    server = BoundedServer(
        rest,
        ConnectionLimits.from_settings(settings),
        settings.shutdown_grace,
        rest.count_unread,
        program.lifecycle.retire,
        on_start,
        companion,
    )
    try:
        server.run([listening])
    finally:
        program.thread_pool.stop()
        if program.thread_pool.taken:  # a call that outlives the grace period would keep the interpreter alive
            logging.shutdown()
            os._exit(0)


def _grpc_server(settings: Settings, program: Program, address: str) -> CompanionServer:
    from app.composition.grpc import build_grpc_server  # imported only where gRPC is on

    return build_grpc_server(settings, program, address)
