"""Bodies over REST that take far more memory than they have bytes, in a program that may take 512 MB."""

import gzip
import json
import socket
import threading
import time
from collections.abc import Callable

import pytest

from tests.known import KEY
from tests.live.program import Program, Start
from tests.live.traffic import BODY
from tests.live.wire import Answer, exchange, request
from tests.memory_limit import LIMIT, MemoryLimit

pytestmark = pytest.mark.alone

KEY_HEADER = ("X-API-Key", KEY)
HEALTH = request("GET", "/health/live")
HEALTH_SECONDS = 2.0
"""Most that a health check may take on a busy machine; a quiet one takes milliseconds."""


@pytest.fixture
def program(start_limited: Start) -> Program:
    """The program under that limit, with a public model."""
    program = start_limited(API_KEY=KEY, PORT="0", PUBLIC_MODELS="iris", BODY_TIMEOUT="5")
    program.port()
    return program


def in_threads(count: int, work: Callable[[], object]) -> list[threading.Thread]:
    """Call a function in threads."""
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads


def slowest_health(program: Program, threads: list[threading.Thread]) -> float:
    """Ask for the health until the threads end, and return the longest time that it took in seconds."""
    longest = 0.0
    while any(thread.is_alive() for thread in threads):
        answer = program.send(HEALTH)
        assert answer.status == 200
        longest = max(longest, answer.seconds)
        time.sleep(0.02)
    return longest


def assert_unharmed(program: Program, memory: MemoryLimit, health_seconds: float, attack: str) -> None:
    """Assert that the program is alive, below the limit, answers at once, and has a key's beer answered."""
    print(f"{attack}: peak {memory.peak / 1e6:.0f} MB, health within {health_seconds:.3f} s")
    assert not memory.killed and memory.peak < LIMIT
    assert health_seconds < HEALTH_SECONDS
    assert program.send(request("POST", "/predict", [KEY_HEADER], BODY)).status == 200


def attack(program: Program, memory: MemoryLimit, count: int, data: bytes, name: str) -> list[int]:
    """Send a request several times at once, assert that the program is unharmed, and return the statuses."""
    answers: list[Answer] = []
    threads = in_threads(count, lambda: answers.append(exchange(program.port(), data)))
    assert_unharmed(program, memory, slowest_health(program, threads), name)
    assert len(answers) == count
    return [answer.status for answer in answers]


@pytest.mark.parametrize("path", ["/pets/predict", "/predict/batch", "/v2/models/beer-ibu/infer"])
def test_bodies_of_many_elements(program: Program, memory: MemoryLimit, path: str) -> None:
    """The largest body of a route, six at once, of each kind of element."""
    size = 12_000_000 if path == "/pets/predict" else 8_000_000
    field = {"/pets/predict": b'{"image":', "/predict/batch": b'{"beers":'}.get(path, b'{"inputs":')
    for element in (b"[]", b"{}", b"[1]", b'{"a":1}', b'"a"', b"1"):
        body = field + b"[" + b",".join([element] * ((size - 20) // (len(element) + 1))) + b"]}"
        statuses = attack(program, memory, 6, request("POST", path, [KEY_HEADER], body), f"{path} {element!r}")
        assert set(statuses) <= {400, 413, 422, 503}


def test_small_gzip_bodies_without_a_key(program: Program, memory: MemoryLimit) -> None:
    """12 KB become 8 MB of empty lists, for a public model, twenty at once."""
    tensor = b'{"inputs":[{"name":"a","shape":[1],"datatype":"FP32","data":[' + b"[]," * 2_600_000 + b"1]}]}"
    data = request("POST", "/v2/models/iris/infer", [("Content-Encoding", "gzip")], gzip.compress(tensor))
    assert set(attack(program, memory, 20, data, "gzip")) <= {413, 503}


def test_large_answers_that_nobody_reads(program: Program, memory: MemoryLimit) -> None:
    """2 KB become an answer of 8 MB, for a public model, sixty times, and no client reads it."""
    tensor = {"name": "features", "datatype": "FP32", "shape": [80_000, 4], "parameters": {"binary_data_size": 1280000}}
    head = json.dumps({"inputs": [tensor]}).encode()
    headers = [("Inference-Header-Content-Length", str(len(head))), ("Content-Encoding", "gzip")]
    data = request("POST", "/v2/models/iris/infer", headers, gzip.compress(head + b"\0\0\x80\x3f" * 320_000))
    assert len(data) < 3_000
    statuses: list[bytes] = []

    def send() -> None:
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(30)
            connection.connect(("127.0.0.1", program.port()))
            connection.sendall(data)
            statuses.append(connection.recv(12, socket.MSG_PEEK))
            time.sleep(3)

    threads = in_threads(60, send)
    assert_unharmed(program, memory, slowest_health(program, threads), "unread answers")
    assert memory.peak < 200_000_000
    assert set(statuses) == {b"HTTP/1.1 200", b"HTTP/1.1 503"}


@pytest.mark.parametrize(
    ("path", "headers", "count"),
    [
        ("/pets/predict", [KEY_HEADER, ("Content-Type", "image/jpeg")], 150),
        ("/predict/batch", [KEY_HEADER], 150),
        ("/v2/models/iris/infer", [], 56),
    ],
    ids=["pictures", "batches", "without a key"],
)
def test_unfinished_bodies(
    program: Program, memory: MemoryLimit, path: str, headers: list[tuple[str, str]], count: int
) -> None:
    """Each client sends a large body but its end. The first hold the memory budget; the others get 503.

    Some do not see it: their time is over before they have sent what they announced, and their connection is reset.
    """
    size = 12_000_000 if path == "/pets/predict" else 8_000_000
    head = request("POST", path, [*headers, ("Content-Length", str(size))])
    statuses: list[bytes] = []

    def send() -> None:
        with socket.create_connection(("127.0.0.1", program.port()), 30) as connection:
            try:
                connection.sendall(head + b" " * (size - 1))
                statuses.append(connection.recv(12))
            except OSError:
                statuses.append(b"reset")

    threads = in_threads(count, send)
    assert_unharmed(program, memory, slowest_health(program, threads), f"{count} unfinished bodies to {path}")
    assert statuses.count(b"HTTP/1.1 503") > 0
    assert statuses.count(b"HTTP/1.1 408") < count / 2
    assert set(statuses) <= {b"HTTP/1.1 503", b"HTTP/1.1 408", b"reset", b""}
