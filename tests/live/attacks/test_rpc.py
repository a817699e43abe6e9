"""Attacks on the gRPC port of a program that may take 512 MB: unread responses, unfinished messages, held calls."""

import random
import selectors
import socket
import statistics
import struct
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from app.rpc._pb import open_inference_pb2 as pb
from tests.known import KEY
from tests.live import frames
from tests.live.frames import CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PREFACE, SETTINGS, frame, message
from tests.live.program import Program, Start, until
from tests.live.rpc import BEER_ROW, HEALTH, INFERENCE, caller, typed
from tests.live.wire import request
from tests.memory_limit import LIMIT, MemoryLimit

pytestmark = pytest.mark.alone

INFER = f"{INFERENCE}ModelInfer".encode()
CHECK, WATCH = f"{HEALTH}Check".encode(), f"{HEALTH}Watch".encode()
REFLECTION = b"/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
KEYED = (b"x-api-key", KEY.encode())
NO_WINDOW = PREFACE + frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 0))
OPEN = PREFACE + frame(SETTINGS, 0, 0)
RECOVERY_SECONDS = 20.0
"""Most seconds until the program answers others again, after an attack that keeps its event loop busy."""
MESSAGE_SECONDS = 3
MEDIAN_HEALTH_SECONDS, HEALTH_SECONDS = 0.5, 2.0
"""Most that a health check may take on a busy machine: the median and the slowest."""
OK, EXHAUSTED = grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.fixture
def program(start_limited: Start) -> Program:
    """The program under that limit, with a public model."""
    program = start_limited(API_KEY=KEY, PORT="0", PUBLIC_MODELS="iris", BODY_TIMEOUT=str(MESSAGE_SECONDS))
    program.rpc()
    return program


class Connections:
    """Connections that are kept open. A thread reads what arrives and answers pings, and grants no window."""

    def __init__(self, address: str) -> None:
        host, _, port = address.partition(":")
        self._address = host, int(port)
        self._selector = selectors.DefaultSelector()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        self.opened = self.closed = self.received = 0

    def open(self, data: bytes) -> socket.socket | None:
        """Open a connection and send bytes on it; None if the server closed it."""
        connection = socket.create_connection(self._address, 20)
        self.opened += 1
        try:
            connection.sendall(data)
        except OSError:
            self.closed += 1
            connection.close()
            return None
        connection.setblocking(False)
        with self._lock:
            self._selector.register(connection, selectors.EVENT_READ)
        return connection

    def _read(self) -> None:
        while not self._ended.is_set():
            with self._lock:
                ready = self._selector.select(0) if self._selector.get_map() else []
            for key, _ in ready:
                self._answer(key.fileobj)  # type: ignore[arg-type]
            time.sleep(0.01)

    def _answer(self, connection: socket.socket) -> None:
        try:
            data = connection.recv(65536)
            self.received += len(data)
            at = data.find(b"\0\0\x08\x06\0\0\0\0\0")  # a ping
            if at >= 0:
                connection.send(frame(frames.PING, 1, 0, data[at + 9 : at + 17]))
        except OSError:
            data = b""
        if not data:
            with self._lock:
                self._selector.unregister(connection)
            connection.close()
            self.closed += 1

    def close(self) -> None:
        """Close all connections."""
        self._ended.set()
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self._selector.close()


class Upload:
    """A connection that sends one call as fast as the server's windows allow."""

    def __init__(self, address: str, settings: bytes) -> None:
        host, _, port = address.partition(":")
        self.connection = socket.create_connection((host, int(port)), 15)
        self.connection.sendall(settings)
        self._connection_window = self._stream_window = 65_535
        self._received = b""

    def send(self, path: bytes, data: bytes, *metadata: tuple[bytes, bytes]) -> int:
        """Send a call without its end, and return the number of bytes that were sent until it was ended."""
        sent = 0
        with suppress(OSError, EOFError):
            self.connection.sendall(call(1, path, None, *metadata))
            while sent < len(data):
                size = min(16_384, len(data) - sent, self._connection_window, self._stream_window)
                if size <= 0:
                    self._await_window()
                    continue
                self.connection.sendall(frame(DATA, 0, 1, data[sent : sent + size]))
                self._connection_window -= size
                self._stream_window -= size
                sent += size
        return sent

    def _await_window(self) -> None:
        """Read frames until there is none left."""
        more = self.connection.recv(65_536)
        if not more:
            raise EOFError
        self._received += more
        while len(self._received) >= 9 and len(self._received) >= 9 + (size := int.from_bytes(self._received[:3])):
            kind, flags, stream = self._received[3], self._received[4], int.from_bytes(self._received[5:9])
            payload, self._received = self._received[9 : 9 + size], self._received[9 + size :]
            if kind == frames.WINDOW_UPDATE and stream:
                self._stream_window += int.from_bytes(payload)
            elif kind == frames.WINDOW_UPDATE:
                self._connection_window += int.from_bytes(payload)
            elif kind == frames.PING and not flags:
                self.connection.sendall(frame(frames.PING, 1, 0, payload))
            elif kind == SETTINGS and not flags:
                self.connection.sendall(frame(SETTINGS, 1, 0))
                for at in range(0, len(payload), 6):
                    name, value = struct.unpack_from(">HI", payload, at)
                    if name == 4:
                        self._stream_window += value - self._window
                        self._window = value
            elif kind in (frames.RST_STREAM, frames.GOAWAY) or (kind == HEADERS and flags & END_STREAM):
                raise EOFError

    _window = 65_535
    """Initial window of a stream that the server announced last."""


@contextmanager
def connections(program: Program) -> Iterator[Connections]:
    """Yield a maker of connections that are closed at the end."""
    made = Connections(program.rpc())
    try:
        yield made
    finally:
        made.close()


def call(stream: int, path: bytes, data: bytes | None, *metadata: tuple[bytes, bytes], ends: bool = True) -> bytes:
    """Encode the frames of one call; without data, only its headers."""
    head = frame(HEADERS, END_HEADERS, stream, frames.call(path, *metadata))
    if data is None:
        return head
    pieces = [data[at : at + 16384] for at in range(0, len(data), 16384)]
    last = len(pieces) - 1
    return head + b"".join(
        frame(DATA, END_STREAM if ends and index == last else 0, stream, piece) for index, piece in enumerate(pieces)
    )


def assert_unharmed(program: Program, memory: MemoryLimit, name: str) -> None:
    """Assert that the program is below the limit, and soon answers health and a key's beer on a new connection."""
    started = time.monotonic()
    codes: list[grpc.StatusCode] = []
    while codes != [OK, OK] and time.monotonic() < started + RECOVERY_SECONDS:
        with caller(program.rpc()) as client:
            checked = client.call(f"{HEALTH}Check", HealthCheckRequest(), HealthCheckResponse, key=None, timeout=10)
            answered = client.infer(typed("beer-ibu", BEER_ROW), timeout=10)
            codes = [checked.code, answered.code]
    print(f"{name}: peak {memory.peak / 1e6:.0f} MB, answered in {time.monotonic() - started:.3f} s")
    assert not memory.killed and memory.peak < LIMIT and program.process.poll() is None
    assert codes == [OK, OK]


def test_unread_responses_without_a_key(program: Program, memory: MemoryLimit) -> None:
    """126 health checks on each of 260 connections whose window is 0: they end, and memory is given back."""
    calls = b"".join(call(2 * n + 1, CHECK, message(b"")) for n in range(126))
    with connections(program) as attacker:
        for _ in range(260):
            attacker.open(NO_WINDOW + calls)
        assert_unharmed(program, memory, "window 0")
        until(lambda: attacker.closed >= 16, "connections that do not read are closed")
        assert_unharmed(program, memory, "window 0, later")
    assert "Traceback" not in program.errors


def metric(program: Program, name: str) -> float:
    """Return the value of a metric without labels."""
    text = program.send(request("GET", "/metrics", [("X-API-Key", KEY)])).body.decode()
    return float(text.split(f"\n{name} ")[1].split("\n")[0])


def length_delimited(field: int, data: bytes) -> bytes:
    """Encode a protobuf field."""
    size, prefix = len(data), b""
    while size >= 128:
        prefix += bytes([size % 128 | 128])
        size //= 128
    return bytes([field << 3 | 2]) + prefix + bytes([size]) + data


def tensor(field: int, numbers: bytes, count: int) -> bytes:
    """Encode a request with a typed tensor."""
    sent = pb.ModelInferRequest(model_name="beer-ibu")
    sent.inputs.add(name="features", datatype="FP32" if field == 6 else "INT64", shape=[count // 6, 6])
    contents = length_delimited(5, length_delimited(field, numbers))
    sent_tensor = sent.inputs.pop().SerializeToString() + contents
    return sent.SerializeToString() + length_delimited(5, sent_tensor)


LARGE = {
    "empty inputs": b"\x2a\x00" * 2_000_000,
    "empty outputs": b"\x32\x00" * 2_000_000,
    "empty raw contents": b"\x3a\x00" * 2_000_000,
    "inputs with contents": b"\x2a\x02\x2a\x00" * 1_000_000,
    "parameters": b"".join(length_delimited(4, length_delimited(1, b"%d" % n)) for n in range(300_000)),
    "a shape": length_delimited(5, length_delimited(3, b"\xff\x7f" * 2_000_000)),
    "integers": tensor(3, b"\x01" * 3_999_996, 3_999_996),
    "floats": tensor(6, b"\0\0\x80\x3f" * 600_000, 600_000),
    "unpacked floats": b"\x2a\xfa\xff\x7f" + b"".join([b"\x2a\x05\x35\0\0\x80\x3f"] * 299_000),
    "groups": b"\x7b" * 4_000_000,
}


FREQUENT = ("empty inputs", "a shape", "floats", "groups")
"""One message of each kind, for every run; the others run nightly."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in FREQUENT else pytest.mark.nightly) for name in LARGE]
)
def test_messages_of_many_elements(program: Program, memory: MemoryLimit, name: str) -> None:
    """The largest message, eight at once."""
    codes: list[grpc.StatusCode] = []

    def send() -> None:
        with caller(program.rpc()) as client:
            codes.append(client.call(f"{INFERENCE}ModelInfer", LARGE[name]).code)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    seconds = []
    with caller(program.rpc()) as client:
        while len(seconds) < 9 or any(thread.is_alive() for thread in threads):
            started = time.monotonic()
            assert client.call(f"{HEALTH}Check", b"", key=None).code is OK
            seconds.append(time.monotonic() - started)
            time.sleep(0.02)
    print(f"{name}: health within {max(seconds):.3f} s, {codes}")
    assert_unharmed(program, memory, name)
    assert set(codes) <= {OK, EXHAUSTED, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND}
    assert statistics.median(seconds) < MEDIAN_HEALTH_SECONDS and max(seconds) < HEALTH_SECONDS


def test_unread_responses_with_a_key(program: Program, memory: MemoryLimit) -> None:
    """60 predictions of 100,000 rows, whose responses nobody reads."""
    rows = 100_000
    sent_rows = pb.ModelInferRequest(model_name="beer-ibu", raw_input_contents=[struct.pack("<6f", *BEER_ROW) * rows])
    sent_rows.inputs.add(name="features", datatype="FP32", shape=[rows, 6])
    data = message(sent_rows.SerializeToString())
    with ExitStack() as stack, ThreadPoolExecutor(8) as threads:
        uploads = [Upload(program.rpc(), NO_WINDOW) for _ in range(60)]
        for upload in uploads:
            stack.callback(upload.connection.close)
        sent = list(threads.map(lambda upload: upload.send(INFER, data, KEYED), uploads))
        assert_unharmed(program, memory, f"unread responses to {sum(sent) / 1e6:.0f} MB")
        assert sent.count(len(data)) >= 8
        until(lambda: metric(program, "memory_budget_taken_bytes") == 0, "the memory is given back")
        assert metric(program, "grpc_unread_connections_closed_total") >= 8
        assert_unharmed(program, memory, "unread responses, later")


@pytest.mark.parametrize("key", [[KEYED], []], ids=["key", "no key"])
def test_unfinished_messages(program: Program, memory: MemoryLimit, key: list[tuple[bytes, bytes]]) -> None:
    """150 clients send a large message but its end, as fast as the windows allow."""
    path = INFER if key else f"{INFERENCE}ModelReady".encode()
    data = message(bytes(3_999_000), length=4_000_000)
    with ExitStack() as stack, ThreadPoolExecutor(32) as threads:
        uploads = [Upload(program.rpc(), OPEN) for _ in range(150)]
        for upload in uploads:
            stack.callback(upload.connection.close)
        sent = list(threads.map(lambda upload: upload.send(path, data, *key), uploads))
        print(f"{sent.count(len(data))} sent all")
        assert_unharmed(program, memory, f"unfinished messages, {len(key)} keys")
        assert sent.count(len(data)) > 0


def test_headers_without_end(program: Program, memory: MemoryLimit) -> None:
    """CONTINUATION frames that go on for ever take little memory, and others are answered."""
    filler = frames.block([(b"x-%d" % n, b"y" * 1000) for n in range(16)])
    sent = 0
    host, _, port = program.rpc().partition(":")
    with socket.create_connection((host, int(port)), 5) as connection, suppress(OSError):
        connection.sendall(OPEN + frame(HEADERS, 0, 1, frames.call(CHECK)))
        while sent < 100_000_000:
            connection.sendall(frame(CONTINUATION, 0, 1, filler) * 16)
            sent += 16 * len(filler)
    print(f"endless headers: {sent / 1e6:.0f} MB sent")
    assert_unharmed(program, memory, "endless headers")
    assert memory.peak < 200_000_000


@pytest.mark.parametrize("path", [WATCH, REFLECTION], ids=["watch", "reflection"])
def test_calls_that_are_kept_open(program: Program, memory: MemoryLimit, path: bytes) -> None:
    """A connection cannot take the seats of others, without a key."""
    opened = b"".join(call(2 * n + 1, path, message(b""), ends=False) for n in range(100))
    with connections(program) as attacker:
        for _ in range(12):
            attacker.open(OPEN + opened)
        time.sleep(0.5)
        with caller(program.rpc()) as client:
            watch = client.channel.unary_stream(f"{HEALTH}Watch", response_deserializer=HealthCheckResponse.FromString)
            seen = watch(b"", timeout=10)
            assert next(iter(seen)).status == HealthCheckResponse.SERVING
            seen.cancel()
        assert_unharmed(program, memory, "calls kept open")


def test_idle_connections(program: Program, memory: MemoryLimit) -> None:
    """The number of connections is limited, and the program answers again when they leave."""
    with connections(program) as attacker:
        for _ in range(600):
            attacker.open(OPEN)
        until(lambda: attacker.closed >= 300, "connections above the limit are closed")
        print(f"idle connections: {attacker.closed} closed, peak {memory.peak / 1e6:.0f} MB")
    assert_unharmed(program, memory, "idle connections")


def test_streams_that_are_opened_and_reset(program: Program, memory: MemoryLimit) -> None:
    """20,000 calls that are reset at once, with their message and without."""
    with connections(program) as attacker:
        for data in (message(b""), None):
            resets = b"".join(
                call(n, CHECK, data, ends=False) + frame(frames.RST_STREAM, 0, n, bytes(4)) for n in range(1, 20_000, 2)
            )
            attacker.open(OPEN + resets)
        assert_unharmed(program, memory, "resets")
    assert "Traceback" not in program.errors


def _ended_calls(generator: random.Random) -> Iterator[bytes]:
    """Yield the frames of 30 calls that are valid, invalid or too large, many of them reset."""
    beer = message(typed("beer-ibu", BEER_ROW).SerializeToString())
    ready = f"{INFERENCE}ModelReady".encode()
    sent = [(beer, True), (b"", True), (message(b"", length=2**32 - 1), False), (beer[:9], True), (b"", False)]
    for stream in range(1, 60, 2):
        path = generator.choice([INFER, INFER, ready, CHECK, WATCH, REFLECTION, b"/no/method"])
        data, ends = generator.choice(sent)
        yield call(stream, path, None, *([KEYED] if generator.random() < 0.6 else []))
        yield frame(DATA, END_STREAM if ends else 0, stream, data)
        if generator.random() < 0.5:
            yield frame(frames.RST_STREAM, 0, stream, struct.pack(">I", 8))


def test_calls_that_end_at_any_moment(program: Program, memory: MemoryLimit) -> None:
    """200 connections with calls that are answered, rejected, too large or reset, and that close at any moment."""
    host, _, port = program.rpc().partition(":")

    def send(seed: int) -> None:
        generator = random.Random(seed)
        with suppress(OSError), socket.create_connection((host, int(port)), 20) as connection:
            connection.sendall(OPEN)
            for data in _ended_calls(generator):
                connection.sendall(data)
                if generator.random() < 0.1:
                    time.sleep(generator.random() / 100)
            time.sleep(generator.random() / 10)

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(send, range(200)))
    assert_unharmed(program, memory, "ended calls")
    assert "Traceback" not in program.errors
