"""Colour modes and orientation: pictures of any mode as upright RGB."""

from PIL import Image

from app.domains.pets.orientation import UPRIGHT

PAPER = (255, 255, 255)
"""Background colour behind transparent pixels."""
_SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N", "I")
_PLAIN = ("L", "RGB", "RGBA", "LA", "CMYK", "YCbCr")
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""Transposition that turns a picture upright, by EXIF orientation."""


def upright(image: Image.Image) -> Image.Image:
    """Convert a picture to what a viewer shows.

    Args:
        image: Picture of any mode, which is trusted; only its first frame is used.

    Returns:
        RGB, turned by its EXIF orientation.
    """
    return turned(as_rgb(shrinkable(image)), exif_orientation_of(image))


def shrinkable(image: Image.Image) -> Image.Image:
    """Convert a picture to a mode whose pixels can be averaged: no palette, 16-bit grey or single bits.

    Args:
        image: Picture of any mode.
    """
    if image.mode in _SIXTEEN_BITS:
        return image.convert("I").point(lambda value: value * (1 / 257)).convert("L")
    if "transparency" in image.info:
        return image.convert("RGBA")
    return image if image.mode in _PLAIN else image.convert("RGBA" if image.has_transparency_data else "RGB")


def as_rgb(image: Image.Image) -> Image.Image:
    """Convert a picture to RGB, with transparent pixels over white.

    Args:
        image: Result of `shrinkable`.
    """
    if image.mode in ("RGBA", "LA"):
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, PAPER), layer).convert("RGB")
    return image.convert("RGB")


def exif_orientation_of(image: Image.Image) -> int:
    """Return the EXIF orientation of a picture that is trusted; 1 (upright) if it cannot be read."""
    try:
        return int(image.getexif().get(_ORIENTATION, UPRIGHT))
    except Exception:  # broken metadata does not make the picture invalid
        return UPRIGHT


def turned(image: Image.Image, orientation: int) -> Image.Image:
    """Turn a picture by its EXIF orientation.

    Args:
        image: Picture to turn.
        orientation: EXIF orientation; other values than 2 to 8 turn nothing.
    """
    transposition = _TURNS.get(orientation)
    return image if transposition is None else image.transpose(transposition)
