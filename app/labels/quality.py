"""Online quality: the accuracy of the models' predictions, by the labels received for them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import ceil, inf, isfinite, log, log1p, sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.labels.label import Label

BANDS = (0.0, 20.0, 40.0, 60.0, 80.0, 150.0)
"""Bounds of the bands of bitterness, IBU; those of the models' cards. The last band has no upper bound."""
ALL = "all"
"""Name for all bands together."""
RESAMPLES = 2000
"""Number of resamples of a bootstrap interval."""
CONFIDENCE = 0.95
"""Confidence of the intervals around the figures."""
_Z = 1.959963984540054
"""Quantile of the normal distribution for `CONFIDENCE`."""
FALSE_ALARM = 0.001
"""Probability of the false alarm that a calibrated interval misses its level, for a single test."""
MAX_RESAMPLED = 2_000
"""Number of beers up to which intervals of means are bootstrapped; with more, the mean is nearly normal."""
_SEED = 20_260_101
OUTPUTS = ("ibu", "lower", "upper")

Values = NDArray[np.float64]


class Between(NamedTuple):
    """A figure with its interval of 95 %."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Quality:
    """The accuracy of a version, by the labels of one kind in one band."""

    model: str
    version: str
    kind: str
    band: str
    """Bounds of the labelled bitterness in IBU, such as ``20-40``; or `ALL`."""
    labels: int
    """Number of labels."""
    beers: int
    """Number of different beers, by their inputs. Labels of one beer count as one: the mean of theirs."""
    mae: Between
    """Mean absolute error, IBU."""
    bias: Between
    """Mean of prediction minus label, IBU."""
    coverage: Between
    """Share of labels inside the predicted interval."""
    level: float | None
    """Nominal coverage of the interval; None if it is not known."""
    is_missed: bool
    """Whether the coverage is significantly below the nominal one: see `FALSE_ALARM`."""

    def as_json(self) -> dict[str, Any]:
        """Return the figures as a value of JSON."""
        value = asdict(self)
        for name in ("mae", "bias", "coverage"):
            figures = getattr(self, name)._asdict()
            value[name] = {part: number if isfinite(number) else None for part, number in figures.items()}
        return value


def quality_of(labels: Iterable[Label], levels: Mapping[tuple[str, str], float | None]) -> list[Quality]:
    """Compute the figures of each version, kind of label and band.

    Args:
        labels: The labels. Those whose model is not known, or has no interval of bitterness, are left out.
        levels: Nominal coverage of the interval of each version, by name and version.

    Returns:
        The figures by model, version and kind; of each the whole first, then the bands that have labels.
    """
    groups: dict[tuple[str, str, str], list[Label]] = defaultdict(list)
    for label in labels:
        if label.model and label.version and label.inputs is not None and has_answer(label):
            groups[label.model, label.version, label.kind].append(label)
    found = []
    for (model, version, kind), group in sorted(groups.items()):
        bands: dict[int, list[Label]] = defaultdict(list)
        for label in group:
            bands[band_of(label.ibu)].append(label)
        parts = [(ALL, group), *((band_name(index), bands[index]) for index in sorted(bands))]
        level = levels.get((model, version))
        found += [_quality((model, version, kind, band), part, level) for band, part in parts]
    return found


def has_answer(label: Label) -> bool:
    """Whether a label's outputs are a bitterness with an interval."""
    return label.outputs is not None and all(
        name in label.outputs and np.isfinite(label.outputs[name]) for name in OUTPUTS
    )


def band_of(ibu: float) -> int:
    """Return the number of the band of a labelled bitterness."""
    return min(int(np.searchsorted(BANDS, ibu, side="right")), len(BANDS) - 1) - 1


def band_name(index: int) -> str:
    """Return the name of a band."""
    last = index == len(BANDS) - 2
    return f"{BANDS[index]:g}+" if last else f"{BANDS[index]:g}-{BANDS[index + 1]:g}"


def _quality(group: tuple[str, str, str, str], labels: Sequence[Label], level: float | None) -> Quality:
    errors, covered = _by_beer(labels)
    beers, share = len(errors), float(covered.mean())
    draws = None
    if 1 < beers <= MAX_RESAMPLED:
        draws = np.random.default_rng(_SEED).integers(beers, size=(RESAMPLES, beers))
    return Quality(
        *group,
        labels=len(labels),
        beers=beers,
        mae=_mean(errors[:, 1], draws),
        bias=_mean(errors[:, 0], draws),
        coverage=wilson(share, beers),
        level=level,
        is_missed=level is not None and at_most(ceil(covered.sum() - 1e-9), beers, level) < FALSE_ALARM,
    )


def _by_beer(labels: Sequence[Label]) -> tuple[Values, Values]:
    """Return the mean of error and absolute error, and the share of labels inside, of each beer."""
    rows: dict[tuple[tuple[str, float | None], ...], list[tuple[float, float, float]]] = defaultdict(list)
    for label in labels:
        inputs, outputs = label.inputs or {}, label.outputs or {}
        beer = tuple((name, value if value == value else None) for name, value in sorted(inputs.items()))
        error = outputs["ibu"] - label.ibu
        rows[beer].append((error, abs(error), float(outputs["lower"] <= label.ibu <= outputs["upper"])))
    means = np.array([np.mean(of_beer, axis=0) for of_beer in rows.values()])
    return means[:, :2], means[:, 2]


def _mean(values: Values, draws: NDArray[np.int64] | None) -> Between:
    """The mean with its interval: the percentiles of its resamples. With a single beer the interval is unbounded."""
    mean = float(values.mean())
    if draws is not None:
        low, high = np.quantile(values[draws].mean(axis=1), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
        return Between(mean, float(low), float(high))
    half = _Z * float(values.std(ddof=1)) / sqrt(len(values)) if len(values) > 1 else inf
    return Between(mean, mean - half, mean + half)


def wilson(share: float, count: int) -> Between:
    """A share with Wilson's interval.

    Wilson (1927), JASA 22:209.

    Args:
        share: Share of successes.
        count: Number of independent trials.
    """
    spread = _Z * _Z / count
    centre = (share + spread / 2) / (1 + spread)
    half = _Z * sqrt(share * (1 - share) / count + spread / (4 * count)) / (1 + spread)
    return Between(share, max(0.0, centre - half), min(1.0, centre + half))


def at_most(successes: int, count: int, probability: float) -> float:
    """Probability of so few successes or fewer: exact; the normal approximation gives up to ten times as many alarms.

    Args:
        successes: Number of successes.
        count: Number of independent trials.
        probability: Probability of a success, above 0 and below 1.
    """
    chosen = np.arange(1, successes + 1)
    ways = np.concatenate([[0.0], np.cumsum(np.log(count - chosen + 1) - np.log(chosen))])
    given = np.arange(successes + 1)
    return float(np.exp(ways + given * log(probability) + (count - given) * log1p(-probability)).sum())
