"""Crops and corruptions are reproducible, and of the right size whatever the photo's size."""

import numpy as np
import pytest
from PIL import Image

from tests.pictures import synthetic_image
from training.pets.corruptions import CORRUPTIONS
from training.pets.crops import SIDE, mix, padded, random_crop, resize
from training.pets.textures import textures


@pytest.mark.parametrize("size", [(160, 120), (20, 300), (3000, 400)])
def test_a_crop_is_a_part_of_its_photo(size: tuple[int, int]) -> None:
    photo = padded(synthetic_image(1, size))
    crops = [random_crop(photo, np.random.default_rng(seed)) for seed in range(6)]
    assert {crop.shape for crop in crops} == {(SIDE, SIDE, 3)}
    assert len({crop.tobytes() for crop in crops}) == 6
    assert random_crop(photo, np.random.default_rng(3)).tobytes() == crops[3].tobytes()


def test_a_crop_shows_only_what_is_in_the_photo() -> None:
    photo = padded(Image.new("RGB", (160, 120), (10, 200, 30)))
    for seed in range(50):
        assert (random_crop(photo, np.random.default_rng(seed)) == (10, 200, 30)).all()


def test_a_mix_has_the_returned_share() -> None:
    black, white = np.zeros((SIDE, SIDE, 3), np.uint8), np.full((SIDE, SIDE, 3), 255, np.uint8)
    for seed in range(40):
        picture, share = mix(white, black, np.random.default_rng(seed))
        assert picture.mean() / 255 == pytest.approx(share, abs=0.005) and 0.29 < share < 0.71


def test_a_picture_is_resized() -> None:
    assert resize(np.zeros((SIDE, SIDE, 3), np.uint8), 128).shape == (128, 128, 3)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corruption_leaves_a_picture(name: str) -> None:
    corrupted = CORRUPTIONS[name](synthetic_image(2))
    assert corrupted.mode == "RGB" and min(corrupted.size) >= 48
    assert (np.asarray(corrupted.resize((32, 32))) != np.asarray(synthetic_image(2).resize((32, 32)))).any() == (
        name != "as it is"
    )


def test_textures_are_varied_and_reproducible() -> None:
    images = textures(8, 32)
    assert images.shape == (8, 32, 32, 3) and images.dtype == np.float32
    assert -1 <= images.min() and images.max() <= 1.01
    assert len({picture.tobytes() for picture in images}) == 8
    assert images.tobytes() == textures(8, 32).tobytes()
