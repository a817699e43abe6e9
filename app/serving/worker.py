"""A worker: one of several processes that serve a port which their parent opened; ``python -m app.serving.worker``."""

import gc
import os
import signal
import socket
import sys
import threading
from pathlib import Path
from types import FrameType


def leave(number: int, frame: FrameType | None) -> None:
    """The server finishes what is in work and then raises the signal again: that is a good end."""
    sys.exit(0)


def main() -> None:
    """Serve the port and tell the parent.

    Arguments are two inherited descriptors, the metrics' folder, gRPC's address and the role.
    """
    gc.disable()  # before the imports, as in `app.__main__`
    from app.serving.serve import run
    from app.startup import start

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, leave)
    listening, parent = (socket.socket(fileno=int(number)) for number in sys.argv[1:3])
    settings, program = start(Path(sys.argv[3]), role=sys.argv[5])
    threading.Thread(target=_stop_with, args=(parent,), name="parent", daemon=True).start()
    run(settings, program, listening, sys.argv[4], lambda: parent.sendall(b"."))


def _stop_with(parent: socket.socket) -> None:
    """Wait for the parent's end: it may be killed, and workers that nobody keeps should not stay."""
    parent.setblocking(True)
    try:
        parent.recv(1)
    except OSError:
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
