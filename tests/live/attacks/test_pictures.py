"""Pictures that take far more memory or time than they have bytes, in a program that may take 512 MB."""

import io
import struct
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from tests.known import KEY
from tests.live.program import Program, Start
from tests.live.wire import exchange, request
from tests.memory_limit import LIMIT, MemoryLimit

pytestmark = pytest.mark.alone

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


def jpeg_of_scans(marker: int, components: int) -> bytes:
    """A JPEG of 6300 x 6300 whose components each have a scan of their own, which is cut off: all the rest is grey."""
    tables = b"\xff\xdb\0\x43\0" + b"\1" * 64
    tables += b"".join(b"\xff\xc4\0\x14%c\1" % place + bytes(16) for place in (0x00, 0x10))
    ids = range(1, components + 1)
    frame = struct.pack(">BBHBHHB", 0xFF, marker, 8 + 3 * components, 8, 6300, 6300, components)
    frame += b"".join(b"%c\x11\0" % number for number in ids)
    scans = b"".join(b"\xff\xda\0\x08\1%c\0\0\x3f\0" % number for number in ids)
    return JPEG[:2] + tables + frame + scans + END


def png_of(width: int, height: int, *kinds: tuple[int, int]) -> bytes:
    """A PNG of zeros with a header for each kind, bits and colour type, of which the last is that of the pixels."""
    headers = [chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, *kind, 0, 0, 0)) for kind in kinds]
    bits, colours = kinds[-1]
    row = 1 + (width * bits * {0: 1, 6: 4}[colours] + 7) // 8
    pixels = zlib.compress(bytes(row * height))
    return b"\x89PNG\r\n\x1a\n" + b"".join(headers) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def webp_of_groups(side: int) -> bytes:
    """A lossless WebP in which each block of 4 x 4 pixels has a group of code tables of its own."""
    groups = min(1 << 16, (side // 4) ** 2)
    fields = [(0x2F, 8), (side - 1, 14), (side - 1, 14), (0, 1), (0, 3)]  # signature, size, no alpha, version
    fields += [(0, 1), (0, 1), (1, 1), (0, 3), (0, 1)]  # no transform or cache; groups of 4 x 4 pixels, no cache there
    one_symbol = [(1, 1), (0, 1), (0, 1), (0, 1)]
    lengths = [(0, 1), (8, 4), *[(0, 3)] * 2, (1, 3), *[(0, 3)] * 8, (1, 3)]  # lengths are 0 or 8, in one bit each
    for many in ([(1, 1), (3, 3), (254, 8)], [(0, 1)]):  # of 280 symbols only the first 256; of 256, all
        fields += [*lengths, *many, *[(1, 1)] * 256]
    fields += one_symbol * 3
    for group in range((side // 4) ** 2):
        number = group % groups
        fields += [(int(f"{byte:08b}"[::-1], 2), 8) for byte in (number & 255, number >> 8)]
    fields += one_symbol * 5 * groups
    bits = "".join(f"{value:0{count}b}"[::-1] for value, count in fields)
    data = b"".join(int(bits[at : at + 8][::-1], 2).to_bytes() for at in range(0, len(bits), 8)) + bytes(64)
    data += bytes(len(data) % 2)
    return b"RIFF" + struct.pack("<I", 12 + len(data)) + b"WEBPVP8L" + struct.pack("<I", len(data)) + data


JPEG, END = picture("JPEG", (64, 64)), b"\xff\xd9"
ATTACKS = {
    "WebP of 4000 x 4000": picture("WEBP", (4000, 4000)),
    "WebP of 3160 x 3160": picture("WEBP", (3160, 3160)),
    "PNG of 20 megapixels with a transparent colour": picture("PNG", (5000, 4000), transparency=(1, 2, 3)),
    "PNG of 20 megapixels": picture("PNG", (5000, 4000)),
    "progressive JPEG of 40 megapixels": picture("JPEG", (8000, 5000), progressive=True, subsampling=0),
    "progressive JPEG of 26 megapixels": picture("JPEG", (5200, 5000), progressive=True, subsampling=0),
    "CMYK JPEG of 20 megapixels": picture("JPEG", (5000, 4000), "CMYK", progressive=True),
    "sequential JPEG of a scan for each component": jpeg_of_scans(0xC0, 3),
    "the same of four components": jpeg_of_scans(0xC0, 4),
    "lossless JPEG": jpeg_of_scans(0xC3, 3),
    "PNG of 20 million bits": png_of(5000, 4000, (1, 0)),
    "PNG of two headers": png_of(5000, 4000, (8, 0), (16, 0)),
    "WebP of 65,536 groups of code tables": webp_of_groups(1024),
    "WebP of 7,744 groups of code tables": webp_of_groups(352),
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
def program(start_limited: Start) -> Program:
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
