"""Invalid frames and messages: the gRPC server neither crashes nor hangs, and still answers valid calls."""

import random
import struct

import grpc
import pytest

from app.rpc._pb import open_inference_pb2 as pb
from tests.known import KEY
from tests.live import frames
from tests.live.frames import CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PREFACE, SETTINGS, frame, message
from tests.live.program import Program, Start
from tests.live.rpc import BEER_ROW, INFERENCE, caller, typed

INFER = f"{INFERENCE}ModelInfer".encode()
KEYED = (b"x-api-key", KEY.encode())
OPEN = PREFACE + frame(SETTINGS, 0, 0)
BEER = typed("beer-ibu", BEER_ROW).SerializeToString()
METHODS = [f"{INFERENCE}{method.name}" for method in pb.DESCRIPTOR.services_by_name["GRPCInferenceService"].methods]
ALLOWED = {
    grpc.StatusCode.OK,
    grpc.StatusCode.INVALID_ARGUMENT,
    grpc.StatusCode.NOT_FOUND,
    grpc.StatusCode.PERMISSION_DENIED,
}


def _headers(path: bytes = INFER, flags: int = END_HEADERS, **more: bytes) -> bytes:
    return frame(HEADERS, flags, 1, frames.call(path, KEYED, **more))


CORPUS = {
    "nothing": b"",
    "zeros": bytes(1000),
    "HTTP/1.1": b"GET /health/live HTTP/1.1\r\nHost: beer\r\n\r\n",
    "HTTP/1.1 upgrade": b"GET / HTTP/1.1\r\nHost: beer\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
    "TLS hello": bytes.fromhex("160301020001000001fc0303") + bytes(200),
    "half a preface": PREFACE[:10],
    "no settings": PREFACE + frame(DATA, 0, 1, b"x"),
    "a frame longer than the maximum": OPEN + frame(DATA, 0, 1, b"x" * 100, length=2**24 - 1),
    "a frame that ends early": OPEN + frame(HEADERS, END_HEADERS, 1, b"x" * 10, length=1000),
    "settings of a wrong length": PREFACE + frame(SETTINGS, 0, 0, b"abc"),
    "settings on a stream": OPEN + frame(SETTINGS, 0, 1),
    "an unknown frame": OPEN + frame(99, 255, 1, b"x" * 100),
    "data before headers": OPEN + frame(DATA, END_STREAM, 1, message(BEER)),
    "a continuation without headers": OPEN + frame(CONTINUATION, END_HEADERS, 1, b""),
    "headers that never end": OPEN + _headers(flags=0) + frame(CONTINUATION, 0, 1, b"") * 1000,
    "headers on stream 0": OPEN + frame(HEADERS, END_HEADERS, 0, frames.call(INFER)),
    "headers on an even stream": OPEN + frame(HEADERS, END_HEADERS, 2, frames.call(INFER)),
    "headers that are not HPACK": OPEN + frame(HEADERS, END_HEADERS, 1, b"\xff" * 200),
    "a window increment of 0": OPEN + frame(frames.WINDOW_UPDATE, 0, 0, struct.pack(">I", 0)),
    "a window that overflows": OPEN + frame(frames.WINDOW_UPDATE, 0, 0, struct.pack(">I", 2**31 - 1)) * 2,
    "a push from a client": OPEN + frame(frames.PUSH_PROMISE, END_HEADERS, 1, bytes(4)),
    "resets of a stream that was not opened": OPEN + frame(frames.RST_STREAM, 0, 1, bytes(4)) * 100,
    "a thousand pings": OPEN + frame(frames.PING, 0, 0, bytes(8)) * 1000,
    "streams opened and reset repeatedly": OPEN
    + b"".join(
        frame(HEADERS, END_HEADERS, n, frames.call(INFER, KEYED)) + frame(frames.RST_STREAM, 0, n, bytes(4))
        for n in range(1, 401, 2)
    ),
    "metadata that exceeds the limit": OPEN
    + frame(HEADERS, END_HEADERS, 1, frames.call(INFER, KEYED, (b"x", b"y" * 16000)))
    + frame(HEADERS, END_HEADERS, 3, frames.call(INFER, *[(b"x%d" % n, b"y" * 200) for n in range(70)])),
    "no path": OPEN + frame(HEADERS, END_HEADERS, 1, frames.block([(b":method", b"POST"), KEYED])),
    "GET": OPEN + frame(HEADERS, END_HEADERS, 1, frames.block([(b":method", b"GET"), (b":path", INFER)])),
    "another content type": OPEN + _headers(content=b"application/json", flags=END_HEADERS) + frame(DATA, 1, 1, b"{}"),
    "a message longer than its length prefix": OPEN + _headers() + frame(DATA, END_STREAM, 1, message(BEER, length=3)),
    "a message shorter than its length prefix": OPEN
    + _headers()
    + frame(DATA, END_STREAM, 1, message(BEER, length=9999)),
    "a message of 4 GB": OPEN + _headers() + frame(DATA, END_STREAM, 1, message(b"", length=2**32 - 1)),
    "an uncompressed message flagged as compressed": OPEN
    + _headers()
    + frame(DATA, END_STREAM, 1, message(BEER, compressed=1)),
    "an unknown flag": OPEN + _headers() + frame(DATA, END_STREAM, 1, message(BEER, compressed=77)),
    "nothing after headers": OPEN + _headers(flags=END_HEADERS | END_STREAM),
}


@pytest.mark.parametrize("name", CORPUS)
def test_invalid_frames_do_not_affect_other_clients(program: Program, name: str) -> None:
    frames.send_and_read(program.rpc(), CORPUS[name])
    with caller(program.rpc()) as client:
        assert client.infer(typed("beer-ibu", BEER_ROW)).code is grpc.StatusCode.OK
    assert "Traceback" not in program.errors and program.process.poll() is None


def test_the_frames_of_a_valid_call_are_answered(program: Program) -> None:
    data = OPEN + _headers() + frame(DATA, END_STREAM, 1, message(BEER))
    assert b"beer-ibu" in frames.send_and_read(program.rpc(), data, until=b"beer-ibu")


@pytest.mark.parametrize("value", ["\u20ac \U0001f37a".encode(), b"\xff\xfe mark3r", b""])
def test_non_ascii_metadata_causes_no_error(program: Program, value: bytes) -> None:
    headers = frames.call(INFER, KEYED, (b"x-note", value), (b"x-request-id", value), (b"traceparent", value))
    data = OPEN + frame(HEADERS, END_HEADERS, 1, headers) + frame(DATA, END_STREAM, 1, message(BEER))
    assert b"beer-ibu" in frames.send_and_read(program.rpc(), data, until=b"beer-ibu")
    keyed = frames.call(INFER, (b"x-api-key", value), (b"x-forwarded-for", value))
    frames.send_and_read(
        program.rpc(), OPEN + frame(HEADERS, END_HEADERS, 1, keyed) + frame(DATA, END_STREAM, 1, message(BEER))
    )
    with caller(program.rpc()) as client:
        assert client.infer(typed("beer-ibu", BEER_ROW)).code is grpc.StatusCode.OK
    assert "Traceback" not in program.errors and "mark3r" not in program.errors


def test_random_messages_are_answered_or_rejected_as_client_errors(program: Program) -> None:
    generator = random.Random(5)
    codes = set()
    with caller(program.rpc()) as client:
        for index in range(600):
            sent = bytearray(BEER) if index % 2 else bytearray(generator.randbytes(generator.randrange(200)))
            for _ in range(generator.randrange(1, 4)):
                if sent:
                    sent[generator.randrange(len(sent))] = generator.randrange(256)
            method = f"{INFERENCE}ModelInfer" if index % 2 else generator.choice(METHODS)
            outcome = client.call(method, bytes(sent))
            assert outcome.code in ALLOWED, (outcome, method, bytes(sent))
            codes.add(outcome.code)
    assert {grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND} <= codes
    assert "Traceback" not in program.errors


def test_errors_and_logs_never_repeat_the_input(start: Start) -> None:
    marker = "mark3r-of-the-caller"
    program = start(API_KEY=KEY, PORT="0")
    request = typed("beer-ibu", BEER_ROW, id=marker)
    request.inputs[0].datatype = marker
    request.outputs.add(name=marker)
    with caller(program.rpc()) as client:
        for invalid in (request, typed(marker, BEER_ROW), typed("beer-ibu", BEER_ROW, model_version=marker)):
            outcome = client.infer(invalid, metadata=[("traceparent", marker), ("user-agent", marker)])
            assert outcome.code in ALLOWED - {grpc.StatusCode.OK}
            assert marker not in outcome.details
        assert client.call(f"/{marker}/{marker}", b"").code is grpc.StatusCode.UNIMPLEMENTED
    program.stop()
    assert marker not in program.errors
