"""Tinseth's formula as a baseline, plain and scaled to the data."""

import numpy as np

from app.domains.beer.recipe import RECIPE_COLUMNS
from app.domains.beer.tinseth import BIGNESS, BIGNESS_BASE
from training.arrays import Array

_BOILED = [RECIPE_COLUMNS.index(f"isomerised_{time}") for time in ("early", "middle", "late")]
_OG = RECIPE_COLUMNS.index("target_og")
_SCALES = np.linspace(0.1, 2.0, 191, dtype=np.float32)


def tinseth(_: Array, __: Array, test: Array) -> Array:
    """Tinseth's plain figure: hops at flame-out and dry hops count nothing, the boil has the wort's gravity."""
    gravity = BIGNESS * BIGNESS_BASE ** (test[:, _OG] / np.float32(1000) - 1)
    figure: Array = test[:, _BOILED].sum(axis=1) * gravity
    return figure


def scaled_tinseth(train: Array, labels: Array, test: Array) -> Array:
    """Tinseth's figure times the factor of least absolute error."""
    own = tinseth(train, labels, train)
    off = [float(np.abs(scale * own - labels).sum()) for scale in _SCALES]
    scaled: Array = _SCALES[int(np.argmin(off))] * tinseth(train, labels, test)
    return scaled
