"""Pictures for tests, drawn from seeds: good ones of every kind, and ones that mean harm."""

import io
import struct
import zlib
from random import Random

from PIL import Image, ImageDraw, ImageFilter


def drawn(seed: int = 0, size: tuple[int, int] = (160, 120)) -> Image.Image:
    """A picture of coloured ellipses, slightly blurred.

    Args:
        seed: Draws them.
        size: Width and height.
    """
    random = Random(seed)
    image = Image.new("RGB", size, tuple(random.randrange(256) for _ in range(3)))
    brush = ImageDraw.Draw(image)
    for _ in range(12):
        left, right = sorted(random.sample(range(size[0]), 2))
        top, bottom = sorted(random.sample(range(size[1]), 2))
        brush.ellipse((left, top, right, bottom), fill=tuple(random.randrange(256) for _ in range(3)))
    return image.filter(ImageFilter.GaussianBlur(1))


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """A picture as a file.

    Args:
        image: What it shows.
        kind: ``JPEG``, ``PNG``, ``WEBP`` or what else Pillow writes.
        options: Of Pillow's writer.
    """
    file = io.BytesIO()
    image.save(file, kind, **options)  # type: ignore[arg-type]
    return file.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def flat_png(width: int, height: int, depth: int = 8, colour: int = 2, channels: int = 3, told: int = 0) -> bytes:
    """A PNG of one colour, written row by row: as small as can be for its size.

    Args:
        width: Pixels.
        height: Pixels.
        depth: Bits a channel.
        colour: PNG's colour type.
        channels: Of that type.
        told: Rows that there are, where fewer than it says.
    """
    row = b"\x00" + bytes((width * channels * depth + 7) // 8)
    packer = zlib.compressobj(1)
    rows = b"".join(packer.compress(row) for _ in range(told or height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def mutant(data: bytes, seed: int) -> bytes:
    """A file with faults: bytes changed, cut out, repeated or cut off.

    Args:
        data: A good file.
        seed: Draws the faults.
    """
    random = Random(seed)
    found = bytearray(data)
    for _ in range(random.choice((1, 3, 30))):
        place = random.randrange(len(found))
        kind = random.randrange(5)
        if kind == 0:
            found[place] = random.randrange(256)
        elif kind == 1:
            found[place : place + random.randrange(1, 9)] = random.choice((b"\xff" * 4, bytes(4), b"\xff\xd8\xff\xda"))
        elif kind == 2:
            del found[place : place + random.randrange(1, 200)]
        elif kind == 3:
            found[place:place] = found[place : place + random.randrange(1, 2000)]
        elif random.random() < 0.3:
            del found[place:]
        found = found or bytearray(b"\x00")
    return bytes(found)
