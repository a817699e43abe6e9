"""Online quality: figures, their uncertainty, and what counts as a miss."""

from math import comb, nan
from typing import Any

import numpy as np
import pytest

from app.labels.label import Label
from app.labels.quality import ALL, Quality, at_most, band_name, band_of, quality_of, wilson
from tests.labels import label

LEVELS = {("beer-ibu", "2"): 0.9}


def answered(number: int, ibu: float, outputs: tuple[float, float, float], **fields: Any) -> Label:
    """A label of a beer that differs from others by its number."""
    named = dict(zip(("ibu", "lower", "upper"), outputs, strict=True))
    values: dict[str, Any] = {
        "inputs": {"abv": float(number), "ph": nan},
        "model": "beer-ibu",
        "version": "2",
        **fields,
    }
    return label(id=f"{number}-{ibu}", outputs=named, ibu=ibu, **values)


def whole(labels: list[Label], levels: dict[tuple[str, str], float | None] | None = None) -> Quality:
    found = quality_of(labels, LEVELS if levels is None else levels)
    assert found[0].band == ALL
    return found[0]


def test_errors_bias_and_coverage_are_means_over_beers() -> None:
    labels = [
        answered(1, 30.0, (40.0, 20.0, 60.0)),
        answered(2, 50.0, (45.0, 20.0, 49.0)),
        answered(3, 20.0, (21.0, 20.0, 30.0)),  # the ends belong to the interval
    ]
    found = whole(labels)
    assert (found.labels, found.beers) == (3, 3)
    assert found.mae.value == pytest.approx(16 / 3)
    assert found.bias.value == pytest.approx(2.0)
    assert found.coverage.value == pytest.approx(2 / 3)
    assert found.mae.low <= found.mae.value <= found.mae.high and found.bias.low < 0 < found.bias.high


def test_labels_of_one_beer_count_as_one() -> None:
    one = [answered(1, 30.0 + index / 100, (40.0, 20.0, 60.0)) for index in range(100)]
    found = whole([*one, answered(2, 50.0, (50.0, 60.0, 70.0))])
    assert (found.labels, found.beers) == (101, 2)
    assert found.coverage.value == 0.5 and found.coverage.low < 0.1 and found.coverage.high > 0.9


def test_figures_are_by_version_kind_and_band_and_what_has_no_answer_is_left_out() -> None:
    labels = [
        answered(1, 10.0, (10.0, 0.0, 20.0)),
        answered(2, 30.0, (30.0, 20.0, 40.0)),
        answered(3, 30.0, (30.0, 20.0, 40.0), kind="stated"),
        answered(4, 200.0, (90.0, 80.0, 99.0), version="1"),
        label(id="unanswered"),
        label(id="iris", model="iris", version="1", inputs={}, outputs={"scores.0": 1.0}),
        answered(5, 30.0, (nan, 20.0, 40.0)),
    ]
    found = [(each.version, each.kind, each.band, each.labels) for each in quality_of(labels, LEVELS)]
    assert found == [
        ("1", "measured", "all", 1),
        ("1", "measured", "80+", 1),
        ("2", "measured", "all", 2),
        ("2", "measured", "0-20", 1),
        ("2", "measured", "20-40", 1),
        ("2", "stated", "all", 1),
        ("2", "stated", "20-40", 1),
    ]


@pytest.mark.parametrize(
    ("ibu", "name"), [(0.0, "0-20"), (19.99, "0-20"), (20.0, "20-40"), (79.0, "60-80"), (300.0, "80+")]
)
def test_a_band_has_its_lower_bound(ibu: float, name: str) -> None:
    assert band_name(band_of(ibu)) == name


def test_a_single_beer_says_nothing_of_others() -> None:
    value = whole([answered(1, 30.0, (40.0, 20.0, 60.0))]).as_json()
    assert value["mae"] == {"value": 10.0, "low": None, "high": None}
    assert value["coverage"]["low"] < 0.25 and not value["is_missed"]


def test_wilsons_interval_is_that_of_the_literature() -> None:
    # Newcombe (1998), Statistics in Medicine 17:857, table I, method 3: 81 of 263, 15 of 148, 0 of 20, 1 of 29
    for successes, count, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        found = wilson(successes / count, count)
        assert [found.low, found.high] == pytest.approx([low, high], abs=5e-5)


def test_the_probability_of_few_successes_is_exact() -> None:
    exact = sum(comb(30, k) * 0.9**k * 0.1 ** (30 - k) for k in range(23))
    assert at_most(22, 30, 0.9) == pytest.approx(exact, rel=1e-9)
    assert at_most(30, 30, 0.9) == pytest.approx(1.0)
    assert at_most(90_000, 100_000, 0.9) == pytest.approx(0.5, abs=0.01)


def test_intervals_that_hold_raise_no_alarm_and_those_that_miss_do() -> None:
    random = np.random.default_rng(1)

    def beers(count: int, coverage: float) -> list[Label]:
        inside = random.random(count) < coverage
        return [answered(index, 30.0, (35.0, 20.0, 40.0 if hit else 29.0)) for index, hit in enumerate(inside)]

    assert sum(whole(beers(50, 0.9)).is_missed for _ in range(200)) <= 1
    assert sum(whole(beers(100, 0.7)).is_missed for _ in range(20)) >= 18
    assert not whole(beers(100, 0.5), levels={}).is_missed  # nothing is promised


def test_the_intervals_of_means_hold_as_often_as_they_say() -> None:
    random = np.random.default_rng(2)
    held = 0
    for _ in range(200):
        figures = random.normal(3.0, 10.0, 40)
        found = whole([answered(index, 50.0, (50.0 + error, 0.0, 100.0)) for index, error in enumerate(figures)])
        held += found.bias.low <= 3.0 <= found.bias.high
    assert 180 <= held <= 198


def test_many_beers_take_no_time_and_their_intervals_agree_with_the_bootstrap() -> None:
    random = np.random.default_rng(3)
    labels = [
        answered(index, 50.0, (50.0 + error, 0.0, 100.0)) for index, error in enumerate(random.normal(0, 10, 2400))
    ]
    many, fewer = whole(labels), whole(labels[:2000])
    widths = [found.bias.high - found.bias.low for found in (many, fewer)]
    assert widths[0] == pytest.approx(widths[1] * (2000 / 2400) ** 0.5, rel=0.08)
