"""Tinseth's formula as a baseline, unscaled and scaled to the data."""

import numpy as np

from app.domains.beer.inputs import OG, RECIPE_INPUTS
from app.domains.beer.tinseth import BIGNESS, BIGNESS_BASE
from training.arrays import Array
from training.spec import column_of

_BOILED = [column_of(RECIPE_INPUTS, f"isomerised_{time}") for time in ("early", "middle", "late")]
_OG = column_of(RECIPE_INPUTS, OG.name)
_SCALES = np.linspace(0.1, 2.0, 191, dtype=np.float32)


def tinseth(_: Array, __: Array, test: Array) -> Array:
    """Tinseth's estimate: hops at flame-out and dry hops contribute nothing; the boil has the original gravity."""
    gravity = BIGNESS * BIGNESS_BASE ** (test[:, _OG] / np.float32(1000) - 1)
    figure: Array = test[:, _BOILED].sum(axis=1) * gravity
    return figure


def scaled_tinseth(train: Array, labels: Array, test: Array) -> Array:
    """Tinseth's estimate times the factor with the smallest absolute error on the training rows."""
    own = tinseth(train, labels, train)
    off = [float(np.abs(scale * own - labels).sum()) for scale in _SCALES]
    scaled: Array = _SCALES[int(np.argmin(off))] * tinseth(train, labels, test)
    return scaled
