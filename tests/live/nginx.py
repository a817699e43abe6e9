"""A running nginx for tests."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
PATIENCE = 30.0

needs_nginx = pytest.mark.skipif(NGINX is None, reason="nginx is not installed (Debian: apt-get install nginx-light)")


@contextmanager
def nginx(folder: Path, configuration: Path, port: int) -> Iterator[None]:
    """Run nginx.

    Args:
        folder: Its working folder.
        configuration: Its configuration file.
        port: A port of 127.0.0.1 that it opens.
    """
    with (folder / "nginx.log").open("wb") as log:
        options = ["-p", str(folder), "-c", str(configuration), "-g", f"daemon off; user {getpass.getuser()};"]
        process = subprocess.Popen([str(NGINX), *options], stderr=log)
    try:
        wait_for_port(port)
        yield
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait(PATIENCE)


def wait_for_port(port: int) -> None:
    """Wait until a port of 127.0.0.1 is open."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        else:
            return
