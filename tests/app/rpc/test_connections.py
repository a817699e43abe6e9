"""Closing connections of clients by their address."""

import os
import socket
import sys

import pytest

from app.rpc.connections import hang_up

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/self/fd")


def test_only_the_connections_of_the_peers_are_shut_down_and_no_descriptor_is_left_open() -> None:
    """A duplicate of each open file that stayed open doubled their number with each call."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        clients = [socket.create_connection(server.getsockname()) for _ in range(2)]
        accepted = [server.accept()[0] for _ in clients]
        address, port = clients[0].getsockname()
        open_files = len(os.listdir("/proc/self/fd"))
        assert hang_up({f"ipv4:{address}:{port}", "unix:/nowhere"}) == 1
        assert len(os.listdir("/proc/self/fd")) == open_files
        assert clients[0].recv(1) == b""
        accepted[1].sendall(b"x")
        assert clients[1].recv(1) == b"x"
        for connection in (*clients, *accepted):
            connection.close()
