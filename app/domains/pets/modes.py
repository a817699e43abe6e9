"""Modes: pictures of every kind as red, green and blue, the right way up."""

from PIL import Image

PAPER = (255, 255, 255)
"""What is seen through what is transparent."""
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
"""By EXIF's orientation, what shows a picture the right way up."""


def upright(image: Image.Image) -> Image.Image:
    """A picture as a viewer shows it.

    Args:
        image: Of any mode; its first frame is taken.

    Returns:
        RGB, turned as its EXIF orientation says.
    """
    return turned(as_rgb(shrinkable(image)), image)


def shrinkable(image: Image.Image) -> Image.Image:
    """A picture whose pixels can be averaged: no palette, no grey of 16 bits, no single bits.

    Args:
        image: Of any mode.
    """
    if image.mode in _SIXTEEN_BITS:
        return image.convert("I").point(lambda value: value * (1 / 257)).convert("L")
    if "transparency" in image.info:
        return image.convert("RGBA")
    return image if image.mode in _PLAIN else image.convert("RGBA" if image.has_transparency_data else "RGB")


def as_rgb(image: Image.Image) -> Image.Image:
    """A picture's colours as red, green and blue: inks mixed, transparency over white.

    Args:
        image: From `shrinkable`.
    """
    if image.mode in ("RGBA", "LA"):
        seen = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", seen.size, PAPER), seen).convert("RGB")
    return image.convert("RGB")


def turned(image: Image.Image, original: Image.Image) -> Image.Image:
    """A picture turned as an original's EXIF orientation says; one that cannot be read says nothing.

    Args:
        image: What to turn.
        original: As it was opened.
    """
    try:
        turn = _TURNS.get(original.getexif().get(_ORIENTATION, 1))
    except Exception:  # what its camera wrote beside a picture does not make it worse
        turn = None
    return image if turn is None else image.transpose(turn)
