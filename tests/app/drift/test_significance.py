"""The tests against known cases."""

import numpy as np
import pytest

from app.drift.significance import compare, psi
from app.drift.variables import Count, Variable


def _variable(shares: tuple[float, ...] = (0.1,) * 10, missing: float | None = 0.0, rows: int = 256) -> Variable:
    bounds = tuple(float(number) for number in range(1, len(shares)))
    bins = tuple(str(number) for number in range(1, len(shares) + 1))
    return Variable("abv", "input", "% vol", bounds, shares, bins, missing, rows, (0.0, float(len(shares))), 5.0)


def _count(*bins: int, missing: int = 0) -> Count:
    return Count(np.array(bins), missing)


def test_psi_of_the_documented_example() -> None:
    """The figure of deploy/prometheus/alerts_test.yml: half of the values in the first tenth."""
    actual = np.array([0.5, *[0.5 / 9] * 9])
    assert psi(np.full(10, 0.1), actual) == pytest.approx(0.4 * np.log(5) + 9 * (0.1 - 0.5 / 9) * np.log(1.8), rel=1e-9)


def test_the_same_shares_are_no_drift() -> None:
    found = compare(_variable(), _count(*[50] * 10))
    assert found.psi == pytest.approx(0) and found.superiority == pytest.approx(0.5)
    assert found.p["shares"] > 0.99 and found.p["ranks"] > 0.99 and found.p["missing"] == 1
    assert found.noise == pytest.approx(9 * (1 / 500 + 1 / 256))


def test_each_test_sees_what_it_is_for() -> None:
    upwards = compare(_variable(), _count(*range(5, 95, 9)))
    assert upwards.p["ranks"] < 1e-9 < 1e-3 < upwards.p["missing"] and upwards.superiority > 0.6
    outwards = compare(_variable(), _count(120, 60, 30, 20, 20, 20, 20, 30, 60, 120))
    assert outwards.p["shares"] < 1e-9 and outwards.p["ranks"] > 0.5
    untold = compare(_variable(missing=0.01), _count(*[30] * 10, missing=200))
    assert untold.p["missing"] < 1e-20 and untold.p["ranks"] > 0.5


def test_a_sample_of_the_training_data_is_judged_as_a_second_sample() -> None:
    """However many rows come, the training data are 256: what 256 may show by chance is no drift."""
    shifted = (0.13, 0.12, 0.11, *[0.1] * 4, 0.09, 0.08, 0.07)
    found = compare(_variable(), _count(*(round(share * 1e6) for share in shifted)))
    assert min(found.p.values()) > 1e-4


def test_few_counts_are_merged_before_they_are_tested() -> None:
    found = compare(_variable((0.98, 0.005, 0.005, 0.01)), _count(25, 0, 3, 2))
    assert found.p["shares"] > 0.001  # 0.16 rows expected in the third bin make three of them no proof


def test_the_allowance_is_what_one_brewer_may_ask() -> None:
    variable = _variable()
    count = _count(*[30] * 6, 230, *[30] * 3)
    assert compare(variable, count).p["shares"] < 1e-12
    assert compare(variable, count, 200).p["shares"] > 0.9
    missing = _count(*[10] * 10, missing=100)
    assert compare(variable, missing).p["missing"] < 1e-12
    assert compare(variable, missing, 100).p["missing"] == 1
    for low in 0, 1:
        ends = np.array([45] * 10)
        ends[0 if low else -1] += 100
        assert compare(variable, Count(ends, 0)).p["ranks"] < 1e-3
        assert compare(variable, Count(ends, 0), 100).p["ranks"] > 0.9


def test_what_is_not_known_is_not_tested() -> None:
    assert compare(_variable(missing=None), _count(*[5] * 10, missing=70)).p.keys() == {"ranks", "shares"}
    assert compare(_variable(), _count(*[0] * 10, missing=70)).p.keys() == {"missing"}


def test_a_variable_with_one_value_is_no_drift() -> None:
    found = compare(_variable((1.0, 0.0)), _count(300, 0))
    assert found.p["ranks"] == found.p["shares"] == 1 and found.psi == 0
