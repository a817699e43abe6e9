"""Synthetic images for tests, reproducible from seeds: valid ones in every format, and hostile ones."""

import io
import struct
import zlib
from random import Random

from PIL import Image, ImageDraw, ImageFilter


def synthetic_image(seed: int = 0, size: tuple[int, int] = (160, 120)) -> Image.Image:
    """Draw coloured ellipses, slightly blurred.

    Args:
        seed: Seed of the random shapes and colours.
        size: Width and height in pixels.
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
    """Encode an image as a file.

    Args:
        image: The image.
        kind: ``JPEG``, ``PNG``, ``WEBP`` or another format that Pillow writes.
        options: Options of Pillow's writer.
    """
    file = io.BytesIO()
    image.save(file, kind, **options)  # type: ignore[arg-type]
    return file.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return a chunk of a PNG file."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def flat_png(width: int, height: int, depth: int = 8, colour: int = 2, channels: int = 3, rows: int = 0) -> bytes:
    """Encode a PNG of one colour row by row. The file is as small as possible for its size in pixels.

    Args:
        width: Pixels.
        height: Pixels.
        depth: Bits per channel.
        colour: PNG's colour type.
        channels: Number of channels of this colour type.
        rows: Number of rows in the data, if it differs from the height in the header.
    """
    row = b"\x00" + bytes((width * channels * depth + 7) // 8)
    packer = zlib.compressobj(1)
    pixels = b"".join(packer.compress(row) for _ in range(rows or height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def mutant(data: bytes, seed: int) -> bytes:
    """Corrupt a file: change, remove, repeat or truncate bytes.

    Args:
        data: A valid file.
        seed: Seed of the random faults.
    """
    random = Random(seed)
    mutated = bytearray(data)
    for _ in range(random.choice((1, 3, 30))):
        at = random.randrange(len(mutated))
        kind = random.randrange(5)
        if kind == 0:
            mutated[at] = random.randrange(256)
        elif kind == 1:
            mutated[at : at + random.randrange(1, 9)] = random.choice((b"\xff" * 4, bytes(4), b"\xff\xd8\xff\xda"))
        elif kind == 2:
            del mutated[at : at + random.randrange(1, 200)]
        elif kind == 3:
            mutated[at:at] = mutated[at : at + random.randrange(1, 2000)]
        elif random.random() < 0.3:
            del mutated[at:]
        mutated = mutated or bytearray(b"\x00")
    return bytes(mutated)
