"""Samples from records and from counters."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from app.bundle.manifest import Manifest
from app.bundle.store import read_bundle
from app.domains.beer.metrics import BeerMetrics
from app.drift.samples import counted, recorded
from app.models.metrics import ModelMetrics
from app.records.reading import Record
from app.telemetry.exposition import exposition
from app.telemetry.metrics import Registry
from tests.committed import committed

NAMES = ("abv", "target_og", "target_fg", "ebc", "srm", "ph")
START = datetime(2026, 11, 27, tzinfo=UTC)


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return read_bundle(committed("beer-ibu")).manifest


def _rows(count: int) -> np.ndarray:
    random = np.random.default_rng(5)
    rows = random.uniform([4, 1040, 1005, 10, 5, 4], [9, 1090, 1020, 60, 30, 5], (count, 6)).astype(np.float32)
    rows[::4, 5] = np.nan
    return rows


def _records(rows: np.ndarray, apart: timedelta = timedelta(hours=2), version: str = "2") -> list[Record]:
    return [
        Record(
            START + index * apart,
            f"r{index}",
            0,
            "beer-ibu",
            version,
            dict(zip(NAMES, row.tolist(), strict=True)),
            {"ibu": 40.0 + index % 7, "lower": 20.0, "upper": 60.0},
        )
        for index, row in enumerate(rows)
    ]


def test_recorded_rows_are_counted_by_bin_with_their_median(manifest: Manifest) -> None:
    rows = _rows(60)
    (sample,), left_out = recorded(_records(rows), lambda *_: manifest)
    assert (sample.model, sample.version, sample.rows, sample.recipes) == ("beer-ibu", "2", 60, 60)
    counts = {variable.name: count for variable, count in sample.counts}
    assert counts.keys() == {*NAMES, "ibu", "interval_width"} and not left_out
    assert counts["abv"].bins.sum() == 60 and counts["abv"].median == pytest.approx(float(np.median(rows[:, 0])))
    assert (counts["ph"].bins.sum(), counts["ph"].missing, counts["ph"].rows) == (45, 15, 60)
    assert counts["interval_width"].median == 40


def test_the_same_recipe_again_is_not_another_row(manifest: Manifest) -> None:
    (sample,), _ = recorded(_records(np.repeat(_rows(20), 10, axis=0)), lambda *_: manifest)
    assert (sample.rows, sample.recipes) == (200, 20)


def test_only_the_rows_that_are_asked_for_are_read(manifest: Manifest) -> None:
    records = _records(_rows(20)) + _records(_rows(10), version="7")
    samples, left_out = recorded(records, lambda model, version: manifest if version == "2" else None)
    assert [sample.rows for sample in samples] == [20] and left_out == {("beer-ibu", "7"): 10}
    assert recorded(records, lambda *_: manifest, model="iris") == ([], {})
    since = START + timedelta(hours=20)
    assert recorded(records, lambda *_: manifest, version="2", since=since)[0][0].rows == 10


def test_counters_are_read_as_the_service_writes_them(manifest: Manifest) -> None:
    registry, rows = Registry(), _rows(1000)
    metrics = ModelMetrics(registry, manifest)
    metrics.observe({"features": rows}, 0.1)
    BeerMetrics(registry, manifest).count(np.tile([45.0, 30.0, 62.0], (1000, 1)), [])
    text = exposition(registry).decode()
    (sample,), left_out = counted(text, lambda *_: manifest)
    assert (sample.rows, sample.recipes, sample.allowance, left_out) == (1000, 100, 20, {})
    counts = {variable.name: (variable, count) for variable, count in sample.counts}
    assert counts.keys() == {*NAMES, "ibu", "interval_width"}
    variable, abv = counts["abv"]
    assert abv.bins.tolist() == np.rint(variable.count(rows[:, 0]).bins / 10).astype(int).tolist()
    assert counts["ph"][1].missing == 25
    variable, ibu = counts["ibu"]
    assert ibu.bins.sum() == 100 and variable.span(int(ibu.bins.argmax())) == (40, 50)
    assert sum(variable.shares) == pytest.approx(1)
    assert counted(text, lambda *_: None) == ([], {("beer-ibu", "2"): 1000})
    assert counted(text, lambda *_: manifest, model="iris") == ([], {})


def test_counters_of_other_bins_are_left_out(manifest: Manifest) -> None:
    registry = Registry()
    ModelMetrics(registry, manifest).observe({"features": _rows(1000)}, 0.1)
    text = exposition(registry).decode().replace('input="abv",bin="10"', 'input="abv",bin="11"')
    (sample,), _ = counted(text, lambda *_: manifest)
    assert {variable.name for variable, _ in sample.counts} == set(NAMES) - {"abv"}
    assert counted("no metrics", lambda *_: manifest) == ([], {})
