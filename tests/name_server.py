"""A name server for one name, whose address a test can change. gRPC asks it for ``dns://HOST:PORT/name:port``."""

import socket
import threading

HEADER_BYTES = 12
NO_ANSWER, ONE_ANSWER = bytes((0, 0)), bytes((0, 1))
A = 1
"""Type of a question for an IPv4 address."""


class NameServer:
    """Answers every question for an IPv4 address with one address, in a thread."""

    def __init__(self, address: str) -> None:
        """Start the server on a free UDP port.

        Args:
            address: The address in every answer.
        """
        self.address = address
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def target(self, port: int) -> str:
        """Return the target for a gRPC channel to a port of the name's address."""
        return f"dns://127.0.0.1:{self._socket.getsockname()[1]}/models.test:{port}"

    def close(self) -> None:
        """Stop the server."""
        self._socket.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def _run(self) -> None:
        while (received := self._socket.recvfrom(512))[0]:
            query, sender = received
            end = query.index(0, HEADER_BYTES) + 1  # of the name; its type and class follow
            answer = b""
            if int.from_bytes(query[end : end + 2]) == A:
                answer = bytes((0xC0, HEADER_BYTES, 0, A, 0, 1, 0, 0, 0, 0, 0, 4)) + socket.inet_aton(self.address)
            counts = ONE_ANSWER + (ONE_ANSWER if answer else NO_ANSWER) + NO_ANSWER + NO_ANSWER
            flags = bytes((0x84, 0))  # an authoritative response
            self._socket.sendto(query[:2] + flags + counts + query[HEADER_BYTES : end + 4] + answer, sender)
