"""Which rows count as one recipe each."""

import numpy as np
import pytest

from app.drift.recipes import last_tries, one_of_each

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0


def _beer(random: np.random.Generator) -> np.ndarray:
    """A recipe of 12 inputs that no other one shares, two of them 0 and one not told."""
    row = random.uniform(1, 100, 12).astype(np.float32)
    row[9:11], row[11] = 0, np.nan
    return row


def test_rows_that_are_equal_are_one_recipe_whenever_they_are_asked() -> None:
    random = np.random.default_rng(0)
    one, other = _beer(random), _beer(random)
    assert last_tries(np.array([one, other, one]), [0.0, DAY, 6 * DAY]).tolist() == [1, 2]


def test_a_brewer_who_tries_changes_is_one_recipe_though_others_ask_meanwhile() -> None:
    random = np.random.default_rng(1)
    rows, times, beer = [], [], _beer(random)
    for index in range(200):
        beer = beer.copy()
        beer[random.integers(9)] *= 1.1
        rows += [beer, _beer(random)]
        times += [index * MINUTE, index * MINUTE + 1]
    chosen = last_tries(np.array(rows), times)
    assert len(chosen) == 201
    assert 398 in chosen and 396 not in chosen  # the brewer's last try stands for all


def test_a_changed_recipe_of_another_day_is_another_one() -> None:
    beer = _beer(np.random.default_rng(2))
    changed = beer.copy()
    changed[0] += 1
    rows = np.array([beer, changed])
    assert len(last_tries(rows, [0.0, HOUR])) == 1
    assert len(last_tries(rows, [0.0, HOUR + 1])) == 2


def test_what_most_beers_share_does_not_make_them_one_recipe() -> None:
    random = np.random.default_rng(3)
    rows = np.array([_beer(random) for _ in range(50)])  # the same zeros, and the same input not told
    assert len(last_tries(rows, [index * MINUTE for index in range(50)])) == 50


def test_an_hour_counts_for_no_more_recipes_than_the_median_one() -> None:
    random = np.random.default_rng(4)
    quiet = [(hour * HOUR + part * 20 * MINUTE, _beer(random)) for hour in range(20) for part in range(2)]
    busy = [(5 * HOUR + index, _beer(random)) for index in range(200)]  # changed beyond recognition each time
    times, rows = zip(*quiet, *busy, strict=True)
    chosen = one_of_each(np.array(rows), np.array(times))
    hours = np.floor(np.array(times)[chosen] / HOUR)
    assert np.unique(hours, return_counts=True)[1].tolist() == [2] * 20


@pytest.mark.parametrize("rows", [0, 1])
def test_few_rows_are_themselves(rows: int) -> None:
    assert one_of_each(np.ones((rows, 3), np.float32), np.zeros(rows)).tolist() == list(range(rows))
