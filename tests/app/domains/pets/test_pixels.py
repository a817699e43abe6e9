"""Pixels: for every kind of file the model input equals what a viewer shows."""

import numpy as np
import pytest
from PIL import Image

from app.domains.pets.picture import open_picture
from app.domains.pets.pixels import Pixels, fit, pixels, scaled
from tests.pictures import encoded, synthetic_image

SIZE = 64
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")


def pixels_of(data: bytes) -> Pixels:
    """The model input for a file."""
    opened = open_picture(data)
    return pixels(opened.image, SIZE, opened.orientation)


def difference(one: Pixels, other: Pixels) -> float:
    """Mean difference, in grey levels of 255."""
    return float(np.abs(one - other).mean()) * 127


def test_pixels_are_scaled_as_the_backbone_expects() -> None:
    result = scaled(np.array([0, 127, 254, 255], np.uint8))
    assert result.dtype == np.float32
    assert result.tolist() == [-1.0, 0.0, 1.0, np.float32(255) / np.float32(127) - 1]


def test_the_central_square_is_cropped() -> None:
    image = Image.new("RGB", (300, 100), "red")
    image.paste((0, 0, 255), (100, 0, 200, 100))
    for turned in (image, image.transpose(Image.Transpose.ROTATE_90)):
        inner = fit(turned, SIZE).crop((2, 2, SIZE - 2, SIZE - 2))  # at the edge a little of what is beyond is seen
        assert inner.getcolors() == [((SIZE - 4) ** 2, (0, 0, 255))]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_rotated_by_its_exif_orientation(kind: str, orientation: int) -> None:
    picture = synthetic_image(1, (128, 128))
    undo = {
        2: "FLIP_LEFT_RIGHT",
        3: "ROTATE_180",
        4: "FLIP_TOP_BOTTOM",
        5: "TRANSPOSE",
        6: "ROTATE_90",
        7: "TRANSVERSE",
        8: "ROTATE_270",
    }.get(orientation)
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = picture.transpose(Image.Transpose[undo]) if undo else picture
    options = {"lossless": True} if kind == "WEBP" else {"quality": 95} if kind == "JPEG" else {}
    assert difference(pixels_of(encoded(stored, kind, exif=exif, **options)), pixels_of(encoded(picture))) < 2


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_an_unreadable_orientation_is_ignored(kind: str) -> None:
    picture = synthetic_image(1)
    assert (
        difference(
            pixels_of(encoded(picture, kind, exif=b"Exif\0\0MM\0*\xff\xff\xff\xff" + b"\xff" * 50)),
            pixels_of(encoded(picture)),
        )
        < 4
    )


GREY = synthetic_image(2).convert("L")
SIXTEEN = Image.fromarray(np.asarray(GREY).astype(np.uint16) * 257)


@pytest.mark.parametrize(
    ("data", "plain"),
    [
        (encoded(GREY), GREY),
        (encoded(SIXTEEN), GREY),
        (encoded(GREY.convert("LA")), GREY),
        (encoded(GREY, "JPEG", quality=95), GREY),
        (encoded(synthetic_image(2).convert("CMYK"), "JPEG", quality=95), synthetic_image(2)),
        (encoded(synthetic_image(2).quantize(255)), synthetic_image(2)),
        (encoded(synthetic_image(2), "WEBP", quality=95), synthetic_image(2)),
        (encoded(synthetic_image(2), "JPEG", quality=95, progressive=True), synthetic_image(2)),
        (
            encoded(synthetic_image(2).convert("1", dither=Image.Dither.NONE)),
            synthetic_image(2).convert("1", dither=Image.Dither.NONE),
        ),
    ],
    ids=["grey", "grey 16", "grey alpha", "grey jpeg", "cmyk", "palette", "webp", "progressive", "bits"],
)
def test_every_colour_mode_gives_the_same_colours(data: bytes, plain: Image.Image) -> None:
    assert difference(pixels_of(data), pixels_of(encoded(plain.convert("RGB")))) < 3


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_transparent_pixels_are_white(kind: str) -> None:
    image = synthetic_image(3).convert("RGBA")
    image.paste((9, 9, 9, 0), (0, 0, 160, 60))
    result = pixels_of(encoded(image, kind, lossless=True) if kind == "WEBP" else encoded(image))
    assert result[0, :20].min() > 1.0 and result[0, 40:].min() < 0.9


def test_a_transparent_colour_of_a_palette_is_white() -> None:
    image = Image.new("P", (64, 64), 1)
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.paste(0, (0, 0, 64, 32))
    result = pixels_of(encoded(image, transparency=0))
    assert result[0, 5, 5].min() > 1.0 and result[0, 60, 5].tolist()[:2] == [-1.0, -1.0]


def test_a_jpeg_decoded_at_reduced_size_gives_nearly_the_same_pixels() -> None:
    large = synthetic_image(4, (2400, 1800))
    assert difference(pixels_of(encoded(large, "JPEG", quality=95)), pixels_of(encoded(large))) < 2


def test_the_first_frame_of_an_animation_is_used() -> None:
    frames = [synthetic_image(seed) for seed in (5, 6)]
    for kind in ("PNG", "WEBP"):
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], lossless=True)
        assert open_picture(data).is_animated
        assert difference(pixels_of(data), pixels_of(encoded(frames[0]))) < 2
    assert not open_picture(encoded(frames[0])).is_animated
