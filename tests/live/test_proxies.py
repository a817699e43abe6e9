"""The configurations of nginx and Caddy in deploy/, with the real proxies: validity, restarts, retries, connections."""

import contextlib
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from app.settings import Settings
from tests.known import BEER, KEY, REPOSITORY
from tests.live.nginx import NGINX, needs_nginx, nginx, wait_for_port
from tests.live.program import Start, free_port

CADDY = shutil.which("caddy")
CONFIGURATION = REPOSITORY / "deploy" / "nginx.conf"
PATIENCE = 30.0
BODY_LIMIT: int = Settings.model_fields["body_limit"].default
FILE_BODY_LIMIT: int = Settings.model_fields["file_body_limit"].default

needs_caddy = pytest.mark.skipif(CADDY is None, reason="caddy is not installed (Debian: apt-get install caddy)")


@needs_nginx
def test_the_nginx_configuration_is_valid(tmp_path: Path) -> None:
    certificate, key = tmp_path / "fullchain.pem", tmp_path / "key.pem"
    options = ["-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=beer"]
    options += ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", "req", *options], check=True, capture_output=True)
    text = CONFIGURATION.read_text("utf-8").replace("/etc/ssl/beer-model", str(tmp_path))
    file = tmp_path / "nginx.conf"
    file.write_text(text.replace("/run/nginx.pid", str(tmp_path / "pid")), "utf-8")
    result = subprocess.run([str(NGINX), "-t", "-p", str(tmp_path), "-c", str(file)], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "warn" not in result.stderr


@needs_caddy
def test_the_caddy_configuration_is_valid(tmp_path: Path) -> None:
    result = subprocess.run(
        [str(CADDY), "validate", "--adapter", "caddyfile", "--config", str(REPOSITORY / "deploy" / "Caddyfile")],
        capture_output=True,
        text=True,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    assert result.returncode == 0, result.stderr


@pytest.fixture
def proxied(tmp_path: Path) -> Iterator[tuple[int, tuple[int, int]]]:
    """nginx with the configuration of deploy/ but without TLS: its port, and the ports of two processes behind it."""
    ports = free_port(), free_port()
    front = free_port()
    text = re.sub(r"listen 443.*;", f"listen 127.0.0.1:{front};", CONFIGURATION.read_text("utf-8"))
    text = re.sub(r"\s+ssl_.*;", "", text).replace("/run/nginx.pid", str(tmp_path / "pid"))
    text = text.replace("127.0.0.1:8000", f"127.0.0.1:{ports[0]}").replace("127.0.0.1:8001", f"127.0.0.1:{ports[1]}")
    text = text.replace("access_log off;", f"access_log off; client_body_temp_path {tmp_path}/bodies;")
    file = tmp_path / "nginx.conf"
    file.write_text(text, "utf-8")
    with nginx(tmp_path, file, front):
        yield front, ports


@needs_nginx
def test_a_rolling_restart_of_two_processes_behind_nginx_loses_no_request(
    start: Start, proxied: tuple[int, tuple[int, int]]
) -> None:
    front, ports = proxied
    programs = [start(API_KEY=KEY, PORT=str(port)) for port in ports]
    for program in programs:
        program.port()
    stop, answers = threading.Event(), list[int | str]()

    def call() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", front, timeout=PATIENCE)
        while not stop.is_set():
            try:
                connection.request("POST", "/predict", json.dumps(BEER), {"X-API-Key": KEY})
                answer = connection.getresponse()
                answer.read()
                answers.append(answer.status)
            except (OSError, http.client.HTTPException) as error:
                answers.append(repr(error))
                connection.close()
        connection.close()

    callers = [threading.Thread(target=call) for _ in range(8)]
    for caller in callers:
        caller.start()
    try:
        for program, port in zip(programs, ports, strict=True):
            assert program.stop() == 0
            start(API_KEY=KEY, PORT=str(port)).port()
    finally:
        stop.set()
        for caller in callers:
            caller.join(PATIENCE)
    assert len(answers) > 500
    assert [answer for answer in answers if answer != 200] == []


def _upstream(port: int, heads: list[bytes], hold: threading.Event | None = None) -> socket.socket:
    """Listen as a process that is ready and ends with each request: it keeps the head, waits for `hold`, and closes."""
    server = socket.create_server(("127.0.0.1", port))

    def end(connection: socket.socket) -> None:
        with connection:
            head = connection.recv(65536)
            if head.startswith(b"GET /health/ready "):
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return
            heads.append(head)
            if hold is not None:
                hold.wait(PATIENCE)

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=end, args=(connection,), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    return server


class _Reader(BaseHTTPRequestHandler):
    """Reads the whole body and answers 200."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        if len(self.rfile.read(length)) == length:
            self.do_GET()

    def log_message(self, format: str, *arguments: object) -> None:
        """Log nothing."""


@contextmanager
def _readers(*ports: int) -> Iterator[None]:
    """Stand-ins for the processes, which take a body of any size."""
    servers = [ThreadingHTTPServer(("127.0.0.1", port), _Reader) for port in ports]
    for server in servers:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


def _status(port: int, path: str, body: bytes = b"[]") -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the proxy has answered 413 and reads no more
            connection.request("POST", path, body, {"Content-Type": "application/octet-stream"})
        return connection.getresponse().status
    finally:
        connection.close()


@needs_nginx
@pytest.mark.parametrize(("path", "sent"), [("/predict", 2), ("/predict/batch", 1), ("/v2/models/beer/infer", 1)])
def test_nginx_sends_what_ends_a_process_to_one_process_only(
    proxied: tuple[int, tuple[int, int]], path: str, sent: int
) -> None:
    front, ports = proxied
    heads = list[bytes]()
    servers = [_upstream(port, heads) for port in ports]
    try:
        assert _status(front, path) == 502
        assert len(heads) == sent
    finally:
        for server in servers:
            server.close()


@contextmanager
def _in_progress(proxied: tuple[int, tuple[int, int]], paths: list[str]) -> Iterator[list[bytes]]:
    """Requests for paths that are all in progress behind nginx: the heads that have arrived."""
    front, ports = proxied
    heads, hold = list[bytes](), threading.Event()
    servers = [_upstream(port, heads, hold) for port in ports]
    callers = [threading.Thread(target=_status, args=(front, path)) for path in paths]
    try:
        for caller in callers:
            caller.start()
        deadline = time.monotonic() + PATIENCE
        while len(heads) < len(paths):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        yield heads
    finally:
        hold.set()
        for caller in callers:
            caller.join(PATIENCE)
        for server in servers:
            server.close()


@needs_nginx
def test_nginx_rejects_the_eleventh_request_in_progress_of_one_address(proxied: tuple[int, tuple[int, int]]) -> None:
    with _in_progress(proxied, ["/predict/batch"] * 10) as heads:
        assert _status(proxied[0], "/predict") == 429
        assert len(heads) == 10


@needs_nginx
def test_nginx_passes_on_the_files_of_the_page_all_at_once(proxied: tuple[int, tuple[int, int]]) -> None:
    with _in_progress(proxied, [f"/page/1/js/{each}.js" for each in range(40)]) as heads:
        assert len(heads) == 40


@needs_nginx
@pytest.mark.parametrize(("path", "limit"), [("/pets/predict", FILE_BODY_LIMIT), ("/predict", BODY_LIMIT)])
def test_nginx_passes_on_the_largest_body_that_the_program_takes(
    proxied: tuple[int, tuple[int, int]], path: str, limit: int
) -> None:
    front, ports = proxied
    with _readers(*ports):
        assert _status(front, path, bytes(limit)) == 200
        assert _status(front, path, bytes(int(1.05 * limit))) == 413


@contextmanager
def _caddy(folder: Path, ports: tuple[int, int]) -> Iterator[int]:
    """Caddy with the configuration of deploy/, but without TLS and its own administration; yields its port."""
    front = free_port()
    text = (REPOSITORY / "deploy" / "Caddyfile").read_text("utf-8")
    text = text.replace("beer.example.org {", f"http://127.0.0.1:{front} {{").replace("{\n", "{\n\tadmin off\n", 1)
    text = text.replace("127.0.0.1:8000", f"127.0.0.1:{ports[0]}").replace("127.0.0.1:8001", f"127.0.0.1:{ports[1]}")
    file = folder / "Caddyfile"
    file.write_text(text, "utf-8")
    with (folder / "caddy.log").open("wb") as log:
        command = [str(CADDY), "run", "--adapter", "caddyfile", "--config", str(file)]
        process = subprocess.Popen(command, stderr=log, env={**os.environ, "HOME": str(folder)})
    try:
        wait_for_port(front)
        yield front
    finally:
        process.terminate()
        process.wait(PATIENCE)


@needs_caddy
def test_caddy_passes_on_the_largest_body_that_the_program_takes(tmp_path: Path) -> None:
    ports = free_port(), free_port()
    with _readers(*ports), _caddy(tmp_path, ports) as front:
        assert _status(front, "/pets/predict", bytes(FILE_BODY_LIMIT)) == 200
        assert _status(front, "/pets/predict", bytes(int(1.05 * FILE_BODY_LIMIT))) in (413, 502)  # cut off, so 502


@needs_caddy
@pytest.mark.parametrize("path", ["/predict", "/predict/batch", "/v2/models/beer/infer"])
def test_caddy_sends_what_ends_a_process_to_one_process_only(tmp_path: Path, path: str) -> None:
    heads = list[bytes]()
    ports = free_port(), free_port()
    servers = [_upstream(port, heads) for port in ports]
    try:
        with _caddy(tmp_path, ports) as front:
            assert _status(front, path) == 502
            assert len(heads) == 1
    finally:
        for server in servers:
            server.close()


@pytest.mark.alone
@needs_caddy
def test_caddy_sends_to_the_other_process_what_a_stopped_one_did_not_receive(tmp_path: Path) -> None:
    heads = list[bytes]()
    ports = free_port(), free_port()
    with _upstream(ports[0], heads), _caddy(tmp_path, ports) as front:
        for sent in range(1, 7):
            assert _status(front, "/predict/batch") == 502
            assert len(heads) == sent
