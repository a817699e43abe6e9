"""What a run's own figures say against its model: few beers, bias, coverage by bitterness, inputs never stated."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.bundle.manifest import Manifest

FEW_GROUPS = 100
"""Number of groups below which the figures are said to depend on the beers that happen to be there."""
FEW_BEERS = 5
"""Number of beers below which nothing is said of a band of bitterness."""
BIAS_IBU = 3.0
SHORT = 0.03
"""Share by which a coverage must be below the promised one to be mentioned."""


def own_limits(manifest: Manifest, groups: int) -> list[str]:
    """List the limits that the figures show.

    Args:
        manifest: The bundle's manifest.
        groups: Number of groups of related beers trained on.

    Returns:
        Sentences.
    """
    values: Mapping[str, Any] = manifest.metrics.values
    bands = [band for band in values["bands"] if band["rows"] >= FEW_BEERS]
    beers = manifest.training_data.rows_used
    found = []
    if groups < FEW_GROUPS:
        found.append(f"It knows {beers} beers in {groups} groups: with other beers the figures may be far from these.")
    return [*found, *_bias(bands), *_coverage(manifest.coverage, values["coverage"], bands), *_inputs(manifest)]


def _bias(bands: Sequence[Mapping[str, float]]) -> list[str]:
    high = [_band(band) for band in bands if band["bias"] > BIAS_IBU]
    low = [_band(band) for band in bands if band["bias"] < -BIAS_IBU]
    words = [f"too high for beers of {', '.join(high)} IBU"] if high else []
    words += [f"too low for beers of {', '.join(low)} IBU"] if low else []
    return [f"On average it is {' and '.join(words)} (bias by band)."] if words else []


def _coverage(promised: float | None, reached: float, bands: Sequence[Mapping[str, float]]) -> list[str]:
    if promised is None:
        return []
    found = []
    if reached < promised - SHORT:
        found.append(f"The interval promises {promised:.0%} and holds {reached:.1%} of held-out beers.")
    short = [f"{_band(band)} IBU ({band['coverage']:.0%})" for band in bands if band["coverage"] < promised - SHORT]
    if short:
        found.append(f"The interval holds less than it promises for beers of {', '.join(short)}.")
    return found


def _inputs(manifest: Manifest) -> list[str]:
    ranges = {declared.name: declared.trained_range for declared in manifest.inputs}
    missing = [name for name, range_ in ranges.items() if range_ is None]
    constant = [name for name, range_ in ranges.items() if range_ is not None and range_[0] == range_[1]]
    found = (
        [f"No beer of the training data states {', '.join(missing)}: nothing was learnt from it."] if missing else []
    )
    if constant:
        found.append(f"All beers of the training data have the same {', '.join(constant)}: nothing was learnt from it.")
    return found


def _band(band: Mapping[str, float]) -> str:
    return f"{band['from']:g}-{band['to']:g}"
