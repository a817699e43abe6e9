"""Serves the program in one process: the service port, the gRPC port, the management port, and the shutdown."""

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable

from app.composition.program import Program
from app.errors import SettingsError
from app.runtime.memory import release_memory, return_large_blocks
from app.serving.limits import ConnectionLimits
from app.serving.management import Management, ManagementApp
from app.serving.server import BoundedServer, CompanionServer
from app.serving.sockets import ReservedPort, address_of, limit_process, listen, reserve
from app.settings import Settings
from app.startup import EXIT_SETTINGS, exit_with
from app.telemetry.log_writer import finish_log

EXIT_ADDRESS = 1
"""Exit code if the program cannot listen on an address; the log has the reason."""
SWITCH_SECONDS = 0.0005
"""Time after which a thread hands over to the event loop or to the management port; Python's default is 5 ms."""
COLLECTION_THRESHOLD = 10_000
"""Number of new objects that starts a garbage collection; Python's default is 700, the objects of a few dozen requests.
With thousands of waiting requests the collector would scan them again and again, a tenth of the time."""
_log = logging.getLogger(__name__)


def serve(settings: Settings, program: Program, on_open: Callable[[str], None] | None = None) -> None:
    """Serve in this process until a signal stops it.

    Args:
        settings: The ports and the limits.
        program: The loaded program.
        on_open: Called with host and port once the service port is open.

    Raises:
        SystemExit: 1 if a port cannot be opened, 2 if a TLS file is missing or invalid.
    """
    management = start_management(settings, program, lambda: program.lifecycle.ready)
    service_port, grpc_port = open_port(settings.host, settings.port), reserve_grpc_port(settings)
    grpc_address = grpc_port.address if grpc_port else ""
    if on_open is not None:
        on_open(address_of(service_port))

    def on_start() -> None:
        _handle_hangup()
        log_addresses(service_port, grpc_address)

    try:
        serve_port(settings, program, service_port, grpc_address, on_start)
    finally:
        if management is not None:
            management.stop()


def serve_port(
    settings: Settings, program: Program, service_port: socket.socket, grpc_address: str, on_start: Callable[[], None]
) -> None:
    """Serve an open port until a signal stops the process.

    Args:
        settings: The limits.
        program: The loaded program.
        service_port: The listening socket.
        grpc_address: Host and port that are reserved for gRPC; empty if gRPC is off.
        on_start: Called once requests are answered.
    """
    limit_process()
    sys.setswitchinterval(SWITCH_SECONDS)
    grpc_server = _grpc_server(settings, program, grpc_address) if grpc_address else None
    enable_garbage_collection()
    release_memory()
    return_large_blocks()
    server = BoundedServer(
        program.rest,
        ConnectionLimits.from_settings(settings),
        settings.shutdown_grace,
        program.rest.count_unread,
        program.lifecycle.retire,
        on_start,
        program.rest.cors_headers,
        grpc_server,
    )
    try:
        server.run([service_port])
    finally:
        program.thread_pool.stop()
        if program.thread_pool.taken:  # a call that outlives the grace period would keep the interpreter alive
            logging.shutdown()
            finish_log()
            os._exit(0)


def _handle_hangup() -> None:
    """Handle SIGHUP, which would end the process: it stops a program in a terminal, and has no meaning otherwise."""
    if sys.platform == "win32":
        return
    in_terminal = os.isatty(2)

    def on_hangup() -> None:
        if in_terminal:
            signal.raise_signal(signal.SIGTERM)
        else:
            _log.warning("SIGHUP ignored: it replaces workers, and WORKERS is 1")

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, on_hangup)


def open_port(host: str, port: int) -> socket.socket:
    """Open a port; see `listen`.

    Raises:
        SystemExit: 1 if the port cannot be opened.
    """
    try:
        return listen(host, port)
    except OSError as error:
        _log.error("cannot listen on %s port %d: %s", host, port, str(error.strerror).lower())
        raise SystemExit(EXIT_ADDRESS) from None


def reserve_grpc_port(settings: Settings) -> ReservedPort | None:
    """Reserve the gRPC port for this process or for its workers; None if gRPC is off.

    Raises:
        SystemExit: 1 if the port is in use, 2 if a TLS file is missing or invalid.
    """
    if not (settings.grpc_enabled or settings.serves_models_only):
        return None
    from app.composition.grpc import check_tls

    try:
        check_tls(settings)
        return reserve(settings.host, settings.grpc_port)
    except SettingsError as error:
        exit_with(f"Settings: {error}", EXIT_SETTINGS)
    except OSError as error:
        _log.error(
            "cannot listen on %s port %d: %s; set GRPC_PORT to another port, or GRPC_ENABLED=false",
            settings.host,
            settings.grpc_port,
            str(error.strerror).lower(),
        )
        raise SystemExit(EXIT_ADDRESS) from None


def start_management(settings: Settings, program: Program, is_ready: Callable[[], bool]) -> Management | None:
    """Serve the management port; None if no management port is set.

    Args:
        settings: The port and the limits.
        program: Has the metrics.
        is_ready: Whether predictions are answered.

    Raises:
        SystemExit: 1 if the port cannot be opened.
    """
    if not settings.management_port:
        return None
    port = open_port(settings.host, settings.management_port)
    management = Management(
        ManagementApp(is_ready, program.metrics_app, lambda: program.event_loop.is_live),
        port,
        ConnectionLimits.from_settings(settings),
    )
    management.start()
    return management


def log_addresses(service_port: socket.socket, grpc_address: str, workers: int = 1) -> None:
    """Log the addresses on which the program answers."""
    grpc = f" and grpc://{grpc_address}" if grpc_address else ""
    processes = f" with {workers} workers" if workers > 1 else ""
    _log.info("running on http://%s%s%s", address_of(service_port), grpc, processes)


def enable_garbage_collection() -> None:
    """Enable garbage collection, which `app.__main__` disabled; loaded objects are never scanned.

    Loading leaves a thousand objects of garbage, and finding them would take 35 to 60 ms.
    """
    gc.freeze()
    gc.set_threshold(COLLECTION_THRESHOLD)
    gc.enable()


def _grpc_server(settings: Settings, program: Program, address: str) -> CompanionServer:
    from app.composition.grpc import build_grpc_server  # imported only where gRPC is on

    return build_grpc_server(settings, program, address)
