"""The figure of curves is drawn from the committed versions of the recipe model."""

import io

import numpy as np

from app.bundle.store import read_bundle
from tests.committed import committed
from training.curves import RECIPES, curves


def test_a_row_of_three_panels_for_each_version_and_a_curve_for_each_recipe():
    figure = curves([read_bundle(committed("beer-ibu-recipe", version)) for version in ("1", "2")], points=61)
    assert len(figure.axes) == 6
    assert [axis.get_ylabel() for axis in figure.axes[::3]] == ["version 1: IBU", "version 2: IBU"]
    lines = [[np.asarray(line.get_ydata()) for line in axis.get_lines()] for axis in figure.axes]
    assert all(len(found) == len(RECIPES) for found in lines)
    largest = [max(float(np.abs(np.diff(line)).max()) for line in found) for found in lines]
    assert min(largest[:2]) > 8 and max(largest[3:]) < 5  # version 1 leaps, by minutes and grams
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=40)
    assert picture.getvalue().startswith(b"\x89PNG")
