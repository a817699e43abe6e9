"""Pictures that take far more memory or time than they have bytes, in a program that may take 512 MB."""

import io
import struct
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from tests.known import KEY
from tests.live.attacks.conftest import LimitedStart
from tests.live.program import Program
from tests.live.wire import exchange, request
from tests.memory_limit import LIMIT, MemoryLimit

MEGABYTE = 1_000_000
SECONDS = 3.0
"""Most that four of them at once may take on a busy machine; 0.2 s on a quiet one."""


def picture(kind: str, size: tuple[int, int], mode: str = "RGB", **options: object) -> bytes:
    """Encode a picture of one colour."""
    file = io.BytesIO()
    Image.new(mode, size).save(file, kind, **options)
    return file.getvalue()


def chunk(kind: bytes, contents: bytes) -> bytes:
    """Encode a chunk of a PNG."""
    return struct.pack(">I", len(contents)) + kind + contents + struct.pack(">I", zlib.crc32(kind + contents))


def with_chunks(*chunks: bytes) -> bytes:
    """A PNG with more chunks after its header."""
    plain = picture("PNG", (64, 64))
    return plain[:33] + b"".join(chunks) + plain[33:]


def exif(entries: int, size: int) -> bytes:
    """EXIF data whose entries all have the same value."""
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", entries)
    directory = b"".join(struct.pack("<HHII", tag + 1, 7, size, 8) for tag in range(entries))
    return head + directory + bytes(4 + size)


JPEG, END = picture("JPEG", (64, 64)), b"\xff\xd9"
ATTACKS = {
    "WebP of 4000 x 4000": picture("WEBP", (4000, 4000)),
    "WebP of 3160 x 3160": picture("WEBP", (3160, 3160)),
    "PNG of 20 megapixels with a transparent colour": picture("PNG", (5000, 4000), transparency=(1, 2, 3)),
    "PNG of 20 megapixels": picture("PNG", (5000, 4000)),
    "progressive JPEG of 40 megapixels": picture("JPEG", (8000, 5000), progressive=True, subsampling=0),
    "progressive JPEG of 26 megapixels": picture("JPEG", (5200, 5000), progressive=True, subsampling=0),
    "CMYK JPEG of 20 megapixels": picture("JPEG", (5000, 4000), "CMYK", progressive=True),
    "empty markers": JPEG[:2] + b"\xff\xe5\0\2" * 2_900_000 + JPEG[2:],
    "fill before a marker": JPEG[:2] + b"\xff" * 11 * MEGABYTE + JPEG[2:],
    "escaped bytes before a marker": JPEG[:2] + b"\xff\0" * 5 * MEGABYTE + JPEG[2:],
    "fill after the scan": JPEG[:-2] + b"\xff" * 11 * MEGABYTE + END,
    "comments": JPEG[:2] + (b"\xff\xfe\xff\xff" + bytes(65_533)) * 170 + JPEG[2:],
    "a million chunks": with_chunks(*[chunk(b"prVt", b"")] * 900_000),
    "a million chunks after the pixels": picture("PNG", (64, 64))[:-12] + chunk(b"prVt", b"") * 900_000,
    "compressed texts": with_chunks(
        *[chunk(b"zTXt", b"a%d\0\0" % i + zlib.compress(bytes(MEGABYTE))) for i in range(63)]
    ),
    "a compressed profile": with_chunks(chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(100 * MEGABYTE)))),
    "EXIF of shared values": with_chunks(chunk(b"eXIf", exif(600, MEGABYTE))),
    "EXIF of many entries": with_chunks(chunk(b"eXIf", exif(65_535, 100))),
}


@pytest.fixture
def program(start_limited: LimitedStart) -> Program:
    """The program under the memory limit."""
    program = start_limited(API_KEY=KEY, PORT="0")
    program.port()
    return program


def test_pictures_take_bounded_memory_and_time(program: Program, memory: MemoryLimit) -> None:
    """Each four times at once, twice as many as there are threads: answered or rejected with a reason."""
    for name, data in ATTACKS.items():
        head = [("X-API-Key", KEY), ("Content-Type", "application/octet-stream")]
        kind = {b"\xff\xd8": "image/jpeg", b"\x89P": "image/png", b"RI": "image/webp"}[data[:2]]
        head[1] = ("Content-Type", kind)
        message = request("POST", "/pets/predict", head, data)
        started = time.monotonic()
        with ThreadPoolExecutor(4) as threads:
            answers = list(threads.map(exchange, [program.port()] * 4, [message] * 4))
        seconds = time.monotonic() - started
        statuses = sorted(answer.status for answer in answers)
        print(f"{name}: {len(data)} bytes, {statuses}, {seconds:.2f} s, peak {memory.peak / 1e6:.0f} MB")
        assert len(statuses) == 4 and set(statuses) <= {200, 413, 422, 503}
        assert seconds < SECONDS
        assert not memory.killed and memory.peak < LIMIT
        assert "UserWarning" not in program.errors
    assert program.send(request("GET", "/health/live")).status == 200
