"""Views and trials: the same from the same seed, and of the right size whatever the photo."""

import numpy as np
import pytest
from PIL import Image

from tests.pictures import drawn
from training.pets.textures import textures
from training.pets.trials import TRIALS
from training.pets.views import SIDE, mixed, opened, shrunk, view


@pytest.mark.parametrize("size", [(160, 120), (20, 300), (3000, 400)])
def test_a_view_is_a_part_of_its_photo(size: tuple[int, int]) -> None:
    photo = opened(drawn(1, size))
    views = [view(photo, np.random.default_rng(seed)) for seed in range(6)]
    assert {found.shape for found in views} == {(SIDE, SIDE, 3)}
    assert len({found.tobytes() for found in views}) == 6
    assert view(photo, np.random.default_rng(3)).tobytes() == views[3].tobytes()


def test_no_view_shows_anything_that_is_not_in_the_photo() -> None:
    photo = opened(Image.new("RGB", (160, 120), (10, 200, 30)))
    for seed in range(50):
        assert (view(photo, np.random.default_rng(seed)) == (10, 200, 30)).all()


def test_a_mix_has_the_share_that_is_told() -> None:
    black, white = np.zeros((SIDE, SIDE, 3), np.uint8), np.full((SIDE, SIDE, 3), 255, np.uint8)
    for seed in range(40):
        picture, share = mixed(white, black, np.random.default_rng(seed))
        assert picture.mean() / 255 == pytest.approx(share, abs=0.005) and 0.29 < share < 0.71


def test_a_picture_is_shrunk() -> None:
    assert shrunk(np.zeros((SIDE, SIDE, 3), np.uint8), 128).shape == (128, 128, 3)


@pytest.mark.parametrize("name", TRIALS)
def test_a_trial_leaves_a_picture(name: str) -> None:
    tried = TRIALS[name](drawn(2))
    assert tried.mode == "RGB" and min(tried.size) >= 48
    assert (np.asarray(tried.resize((32, 32))) != np.asarray(drawn(2).resize((32, 32)))).any() == (name != "as it is")


def test_textures_are_of_many_kinds_and_the_same_each_time() -> None:
    found = textures(8, 32)
    assert found.shape == (8, 32, 32, 3) and found.dtype == np.float32
    assert -1 <= found.min() and found.max() <= 1.01
    assert len({picture.tobytes() for picture in found}) == 8
    assert found.tobytes() == textures(8, 32).tobytes()
