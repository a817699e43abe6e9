"""Hostile pictures: an error or correct pixels, and no memory is allocated before the size is checked."""

import tracemalloc

import pytest
from PIL import Image

from app.domains.pets.headers import read_header
from app.domains.pets.orientation import exif_orientation
from app.domains.pets.picture import PictureError, decoded_bytes, open_picture
from tests.pictures import chunk, encoded, flat_png, synthetic_image

JPEG, PNG, WEBP = (encoded(synthetic_image(), kind) for kind in ("JPEG", "PNG", "WEBP"))


@pytest.mark.parametrize("size", [(160, 120), (16, 500), (641, 17)])
@pytest.mark.parametrize(
    "options",
    [
        {"kind": "JPEG"},
        {"kind": "JPEG", "progressive": True},
        {"kind": "PNG"},
        {"kind": "WEBP"},
        {"kind": "WEBP", "lossless": True},
        {"kind": "WEBP", "exif": b"Exif\0\0II*\0\x08\0\0\0\0\0"},
    ],
)
def test_a_header_gives_format_and_size(options: dict[str, object], size: tuple[int, int]) -> None:
    kind = str(options["kind"])
    header = read_header(encoded(synthetic_image(0, size), kind, **{k: v for k, v in options.items() if k != "kind"}))
    assert header is not None and header[:3] == (kind, *size)


@pytest.mark.parametrize("data", [JPEG, PNG, WEBP])
def test_a_file_truncated_anywhere_is_a_picture_or_an_error(data: bytes) -> None:
    for length in range(40):
        with pytest.raises(PictureError):
            open_picture(data[:length]).image.load() if length > 30 else open_picture(data[:length])


def vast(data: bytes, kind: str) -> bytes:
    """A picture whose header declares a vast size."""
    if kind == "PNG":
        head = (60_000).to_bytes(4) * 2 + data[24:29]
        return data[:8] + chunk(b"IHDR", head) + data[33:]
    if kind == "JPEG":
        offset = data.index(b"\xff\xc0") + 5
        return data[:offset] + b"\xea\x60\xea\x60" + data[offset + 4 :]
    return data[:26] + b"\xff\x3f\xff\x3f" + data[30:]


@pytest.mark.parametrize(("data", "kind"), [(JPEG, "JPEG"), (PNG, "PNG"), (WEBP, "WEBP")])
def test_a_vast_picture_is_rejected_before_memory_is_allocated(data: bytes, kind: str) -> None:
    tracemalloc.start()
    with pytest.raises(PictureError) as caught:
        open_picture(vast(data, kind))
    assert caught.value.code == "too_many_pixels"
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "no_picture"),
        (b"GIF89a" + bytes(100), "no_picture"),
        (encoded(synthetic_image(), "GIF"), "no_picture"),
        (encoded(synthetic_image(), "TIFF"), "no_picture"),
        (encoded(synthetic_image(), "BMP"), "no_picture"),
        (b"%PDF-1.7" + JPEG, "no_picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no_picture"),
        (flat_png(1, 1), "too_small"),
        (flat_png(1, 50_000), "too_small"),
        (flat_png(50_000, 1), "too_small"),
        (flat_png(0, 100), "too_small"),
        (encoded(Image.new("RGB", (4000, 3000)), "JPEG", progressive=True)[:-2] + b"\xff\xda" * 99, "too_many_scans"),
        (PNG[:33] + chunk(b"zTXt", b"a" * 90) + b"\xff" * 40, "broken_picture"),
    ],
)
def test_an_invalid_picture_has_an_error_code(data: bytes, code: str) -> None:
    with pytest.raises(PictureError) as caught:
        open_picture(data).image.load()
    assert caught.value.code == code


@pytest.mark.parametrize(("side", "accepted"), [(16, True), (15, False)])
def test_a_side_of_sixteen_pixels_is_enough(side: int, accepted: bool) -> None:
    data = encoded(synthetic_image(0, (side, 40)))
    if accepted:
        assert open_picture(data).image.size == (side, 40)
    else:
        with pytest.raises(PictureError, match="at least 16 pixels"):
            open_picture(data)


def test_an_orientation_that_cannot_be_read_is_upright() -> None:
    """The reader looks at one entry of the first directory, wherever the data point."""
    entry = b"\x12\x01\x03\0\x01\0\0\0\x06\0\0\0"
    assert exif_orientation(b"II*\0\x08\0\0\0\x01\0" + entry) == 6
    assert exif_orientation(b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0") == 6
    for broken in (
        b"",
        b"II*\0",
        b"II*\0\xff\xff\xff\xff\x01\0" + entry,
        b"II*\0\x08\0\0\0\xff\xff" + entry[:11],
        b"II*\0\x08\0\0\0\x01\0" + entry[:8] + b"\x09\0\0\0",
        b"II*\0\x08\0\0\0\x01\0\x12\x01\x04\0" + entry[4:],
    ):
        assert exif_orientation(broken) == 1


@pytest.mark.parametrize(
    ("data", "megabytes"),
    [
        (encoded(Image.new("RGB", (3000, 3000)), "WEBP"), 144),
        (encoded(Image.new("RGB", (3000, 3000)), "JPEG"), 2.25),
        (encoded(Image.new("RGB", (3000, 3000)), "JPEG", progressive=True, subsampling=0), 56.25),
        (encoded(Image.new("L", (3000, 3000))), 9),
        (encoded(Image.new("RGB", (3000, 3000)), transparency=(0, 0, 0)), 108),
    ],
    ids=["webp", "jpeg", "progressive", "grey", "transparent"],
)
def test_the_memory_that_decoding_takes_follows_from_the_header(data: bytes, megabytes: float) -> None:
    """The figures are within a tenth of what was measured (Pillow 12)."""
    assert decoded_bytes(data) == megabytes * 1e6
