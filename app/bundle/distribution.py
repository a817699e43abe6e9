"""The distribution of the training data: shares by bin, shares of missing values, and the answers' percentiles.

The bins of an input follow from its deciles in the manifest. Values that occur often make the shares differ from
tenths: of 256 beers, 35 have 4.5 % vol or less, where the first decile is 4.5. The exact shares are in the manifest's
``metrics.values.distribution``. Of a bundle without them, such as those of version 1, tenths are taken.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from app.bundle.manifest import Input, Manifest

KEY = "distribution"
"""Name of the distribution in the manifest's ``metrics.values``."""
PERCENTILES = 99
"""Number of an answer's inner percentiles."""
_TENTH = 0.1
_TOLERANCE = 0.01


@dataclass(frozen=True, slots=True)
class Distribution:
    """Distribution of the rows that a version was trained on."""

    shares: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """By input: share of the values that are there in each bin of `bins_of`."""
    missing: Mapping[str, float] = field(default_factory=dict)
    """By input: share of the rows without a value."""
    answers: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    """By answer: the 99 inner percentiles of the version's answers to these rows."""


def bins_of(declared: Input) -> tuple[list[float], list[tuple[str, float]]]:
    """The bins of an input, from its deciles.

    Deciles that coincide make one bin that holds their tenths together and has the last one's number. Bounds are
    rounded as the values are that come, to float32: a value that is a decile itself must fall on its own side.

    Args:
        declared: Has deciles.

    Returns:
        The bins' upper bounds, without the last's; each bin's number and nominal share of the training data.
    """
    deciles = [np.float32(value).item() for value in declared.deciles or ()]
    bounds: list[float] = []
    bins: list[tuple[str, float]] = []
    number = 0
    for bound, equal in groupby(deciles):
        tenths = len(list(equal))
        number += tenths
        bounds.append(bound)
        bins.append((str(number), tenths * _TENTH))
    if declared.trained_range and deciles and deciles[-1] >= np.float32(declared.trained_range[1]):
        bins[-1] = (bins[-1][0], bins[-1][1] + _TENTH)
        return bounds, [*bins, (str(number + 1), 0.0)]  # nothing in the training data was above
    return bounds, [*bins, (str(number + 1), _TENTH)]


def count_bins(bounds: list[float], values: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Count values by bin.

    Args:
        bounds: The bins' upper bounds, without the last's.
        values: Values, shape (n_values,); NaN is not counted.

    Returns:
        Counts, shape (n_bins,).
    """
    known = values[~np.isnan(values)].astype(np.float32).astype(np.float64)
    return np.bincount(np.searchsorted(bounds, known), minlength=len(bounds) + 1)


def distribution_of(manifest: Manifest) -> Distribution:
    """Return what is known of the distribution of a version's training data.

    Args:
        manifest: Of the version. What it states in an unknown form is left out.
    """
    found = _object(manifest.metrics.values.get(KEY))
    inputs, answers = _object(found.get("inputs")), _object(found.get("answers"))
    shares: dict[str, tuple[float, ...]] = {}
    missing = {declared.name: 0.0 for declared in manifest.inputs if not declared.optional}
    for declared in manifest.inputs:
        of_input = _object(inputs.get(declared.name))
        numbers = _numbers(of_input.get("shares"))
        if declared.deciles and len(numbers) == len(bins_of(declared)[1]) and abs(sum(numbers) - 1) < _TOLERANCE:
            shares[declared.name] = numbers
        share = _numbers([of_input.get("missing")])
        if share:
            missing[declared.name] = share[0]
    percentiles = {name: _numbers(values) for name, values in answers.items()}
    return Distribution(
        shares,
        missing,
        {
            name: values
            for name, values in percentiles.items()
            if len(values) == PERCENTILES and list(values) == sorted(values)
        },
    )


def shares_of(declared: Input, distribution: Distribution) -> list[float]:
    """Return an input's shares of the training data by bin: exact ones where they are known, otherwise nominal ones.

    Args:
        declared: Has deciles.
        distribution: Of the version.
    """
    return list(distribution.shares.get(declared.name) or (share for _, share in bins_of(declared)[1]))


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _numbers(values: Any) -> tuple[float, ...]:
    """Numbers of a list of JSON; empty if it is something else."""
    if not isinstance(values, list) or not all(isinstance(one, int | float) and one == one for one in values):
        return ()
    return tuple(float(one) for one in values if math.isfinite(one))
