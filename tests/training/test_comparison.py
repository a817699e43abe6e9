"""Whether a version is worse than another: the rule of compare and refresh, on figures made for it."""

import numpy as np
import pytest

from training.comparison import ONLY_SIGNIFICANT, Difference, RowFigures, Tolerances, compare_rows, row_figures
from training.scoring import BundleScore, compare


@pytest.mark.parametrize(
    "difference, low, worse", [(0.3, -1, True), (0.05, -1, False), (0.05, 0.01, True), (-2, -3, False)]
)
def test_worse_means_beyond_the_tolerance_or_significant(difference, low, worse):
    assert Difference(difference, low, 1, 0.1).worse is worse


def test_the_difference_is_paired():
    labels = np.float32([10, 20, 30, 40])
    first, second = (
        BundleScore("a 1", labels, np.column_stack([labels + off] * 3), np.arange(4), False)
        for off in (np.float32([5, -5, 20, 0]), np.float32([6, -6, 21, 1]))
    )
    result = compare(first, second, Tolerances())
    assert result.mae == pytest.approx((1, 1, 1, 0.1))
    assert "MAE" in result.faults and result.worse


def with_interval(below: np.ndarray, above: np.ndarray) -> BundleScore:
    """A bundle that is right in the centre for 60 beers of 50 IBU, with ends that far from it."""
    labels = np.full(60, 50, np.float32)
    return BundleScore("a 1", labels, np.column_stack([labels, labels - below, labels + above]), np.arange(60), False)


def covering(share: float, width: float = 60.0) -> BundleScore:
    """An interval of that width in which this share of the beers lies; the others are 5 IBU above its upper end."""
    outside = np.arange(60) >= round(60 * share)
    return with_interval(np.where(outside, width + 5, width / 2), np.where(outside, -5, width / 2))


@pytest.mark.parametrize(
    ("first", "second", "faults"),
    [
        (covering(0.8), covering(0.67), ["coverage", "interval score"]),
        (covering(0.8, 60), covering(0.67, 20), ["coverage"]),  # so much narrower that the interval score is better
        (covering(1.0, 90), covering(0.9, 60), []),  # too wide before, as promised now
        (covering(1.0, 90), covering(53 / 60, 60), []),  # 0.883 of 60 beers: as promised, within the tolerance
        (covering(0.9, 60), covering(1.0, 120), ["interval score"]),  # covers more by being twice as wide
        (covering(0.8), covering(0.8), []),
        (covering(0.67), covering(0.8), []),
    ],
)
def test_a_worse_interval_makes_a_version_worse(first, second, faults):
    assert compare(first, second, Tolerances()).faults == faults


@pytest.mark.parametrize(
    ("covered", "related", "worse"),
    [
        (0.895, 1, False),  # below the promised 0.9, but neither beyond the tolerance nor significantly
        (0.89, 1, True),  # within the tolerance, but so many beers leave no doubt
        (0.89, 100, False),  # the same where beers are covered or missed by the hundred: few groups prove little
        (0.87, 100, True),  # beyond the tolerance
    ],
)
def test_a_coverage_is_short_beyond_the_tolerance_or_significantly(covered, related, worse):
    """10,000 beers, of which 0.95 were covered before, in groups that are covered or missed together."""
    beers = np.arange(10_000)

    def figures(share):
        missed = (beers // related * related >= share * len(beers)).astype(np.float32)
        return RowFigures(np.zeros(len(beers), np.float32), missed, np.full(len(beers), 50, np.float32))

    groups = beers // related
    assert compare_rows(figures(0.95), figures(covered), groups, 0.9, Tolerances()).faults == ["coverage"] * worse


def test_without_tolerances_only_what_is_significant_counts():
    """Three beers of 60 more are missed, in four groups: a fall beyond the tolerance, but perhaps by chance."""
    first, second = (row_figures(each.labels, each.predicted, 0.9) for each in (covering(0.9), covering(0.85)))
    second = second._replace(score=first.score)
    groups = np.arange(60) // 15
    assert compare_rows(first, second, groups, 0.9, Tolerances()).faults == ["coverage"]
    assert compare_rows(first, second, groups, 0.9, ONLY_SIGNIFICANT).faults == []
