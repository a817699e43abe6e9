"""The management port: health and metrics without a key, from a separate thread."""

import socket

import pytest

from tests.known import KEY
from tests.live.program import Start, free_port
from tests.live.raw import send_and_read, statuses


def test_the_management_port_answers_only_health_checks(start: Start) -> None:
    port = free_port()
    program = start(API_KEY=KEY, PORT="0", MANAGEMENT_PORT=str(port))
    program.port()
    expected = {
        b"GET /health/live": 200,
        b"GET /health/ready": 200,
        b"HEAD /health/live": 200,
        b"POST /health/live": 405,
        b"GET /predict": 404,
        b"POST /predict": 404,
        b"GET /docs": 404,
        b"GET /": 404,
    }
    for line, status in expected.items():
        answer = send_and_read(port, line + b" HTTP/1.1\r\nHost: beer\r\n\r\n")
        assert statuses(answer) == [status], line
        assert b"server:" not in answer.lower()
        if status >= 400:
            assert b"application/problem+json" in answer
    assert program.stop() == 0


def test_the_management_port_is_disabled_by_default(start: Start) -> None:
    program = start(API_KEY=KEY, PORT="0")
    program.port()
    assert "anagement" not in program.errors


@pytest.mark.parametrize("name", ["MANAGEMENT_PORT", "PORT"])
def test_a_port_in_use_ends_with_exit_code_1(start: Start, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        program = start(**{"API_KEY": KEY, "PORT": "0", name: str(port)})
        assert program.exit_code() == 1
    assert f"port {port}: address already in use" in program.errors
