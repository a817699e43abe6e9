"""Entry point of a worker, one of several processes that share a port: ``python -m app.serving.worker``."""

import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
import threading

from app.serving.signals import handle_early_signals, unblock_signals

BEAT_SECONDS = 1.0
"""Seconds between two signs of life to the supervisor."""


def main() -> None:
    """Serve the supervisor's port, and report to the supervisor.

    The arguments are two inherited descriptors (the listening socket, and the socket to the supervisor), the metrics
    folder, the gRPC address, the role, and the models to serve.
    """
    gc.disable()  # as in `app.__main__`
    handle_early_signals(importing=True)
    unblock_signals()
    from app.serving.serve import serve_port
    from app.startup import load_program_or_exit
    from app.telemetry.log_writer import install_log_writer

    handle_early_signals()
    install_log_writer()
    listening, supervisor = (socket.socket(fileno=int(number)) for number in sys.argv[1:3])
    settings, program = load_program_or_exit(sys.argv[3], role=sys.argv[5], models=sys.argv[6])
    threading.Thread(target=_stop_with, args=(supervisor,), name="supervisor", daemon=True).start()
    serve_port(settings, program, listening, sys.argv[4], lambda: _beat(supervisor))


def _beat(supervisor: socket.socket) -> None:
    """Give a sign of life from the event loop, now and later. A suspended supervisor must not block the loop."""
    with contextlib.suppress(OSError):
        supervisor.send(b".", socket.MSG_DONTWAIT)
    asyncio.get_running_loop().call_later(BEAT_SECONDS, _beat, supervisor)


def _stop_with(supervisor: socket.socket) -> None:
    """Stop when the supervisor ends, even if it is killed: no other process would ever stop this worker."""
    supervisor.setblocking(True)
    with contextlib.suppress(OSError):
        supervisor.recv(1)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
