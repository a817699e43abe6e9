"""When a figure is an alarm, and how it says what moved."""

import numpy as np
import pytest

from app.drift.assessment import MIN_RECIPES, assess
from app.drift.samples import Sample
from app.drift.variables import Count, Variable

ABV = Variable(
    "abv",
    "input",
    "% vol",
    tuple(float(number) for number in range(1, 10)),
    (0.1,) * 10,
    tuple(str(number) for number in range(1, 11)),
    0.02,
    256,
    (0.0, 10.0),
    5.0,
)


def _assessed(bins: list[int], missing: int = 0, median: float | None = None, variable: Variable = ABV):
    count = Count(np.array(bins), missing, median)
    return assess([Sample("beer-ibu", "2", count.rows, count.rows, ((variable, count),), 0)])[0]


def test_a_moved_value_alarms_and_says_from_where_to_where() -> None:
    figure = _assessed([5, 5, 10, 10, 20, 30, 50, 60, 60, 60], median=7.4)
    assert figure.is_alarm and figure.p < 1e-4
    assert figure.moved == "median 5 -> 7.4 % vol"
    stated = figure.as_json()
    assert (stated["median"], stated["recipes"], stated["alarm"]) == ({"training": 5.0, "now": 7.4}, 310, True)


def test_what_is_not_told_any_more_alarms_alone() -> None:
    figure = _assessed([20] * 10, missing=150)
    assert figure.is_alarm and figure.moved == "missing 2% -> 43%"


def test_a_changed_shape_names_the_values() -> None:
    figure = _assessed([150, 20, 20, 20, 20, 20, 20, 20, 20, 150], median=5.0)
    assert figure.is_alarm
    assert figure.moved == "median 5 -> 5 % vol, up to 1 % vol: 10% -> 33% of the values"


def test_a_significant_but_small_effect_does_not_alarm() -> None:
    figure = _assessed([800, 850, 900, 950, 1000, 1050, 1100, 1150, 1150, 1150])
    raw = figure.comparison
    assert raw.psi - raw.noise < 0.1 and not figure.is_alarm


def test_few_recipes_are_not_tested() -> None:
    figure = _assessed([0] * 9 + [MIN_RECIPES - 1])
    assert not figure.is_tested and not figure.is_alarm and figure.p == 1
    assert _assessed([0] * 9 + [MIN_RECIPES]).is_alarm


def test_probabilities_are_multiplied_by_the_number_of_tests_and_checks() -> None:
    bins = [20, 22, 24, 26, 28, 30, 40, 40, 45, 50]
    count = Count(np.array(bins), 0)
    alone, together = (
        assess([Sample("beer-ibu", "2", 0, count.rows, ((ABV, count),) * number, 0)], checks=1)[0].p
        for number in (1, 5)
    )
    assert together == pytest.approx(5 * alone) and together < 1
    assert assess([Sample("beer-ibu", "2", 0, count.rows, ((ABV, count),), 0)], checks=10)[0].p == pytest.approx(
        10 * alone
    )


def test_a_median_of_counters_is_compared_with_one_that_is_estimated_likewise() -> None:
    assert _assessed([30] * 10).moved == "median 5 -> 5 % vol"
