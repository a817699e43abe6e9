"""Metrics of online quality: one process computes them, in a child process, when there are new labels."""

import logging
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import isnan
from pathlib import Path
from typing import Any

import pytest

from app.labels import quality_watch as module
from app.labels.label import to_line
from app.labels.quality_watch import QualityWatcher, Sources
from app.telemetry.metrics import Registry
from tests.committed import committed_models
from tests.labels import label

NOW = datetime.now(UTC)


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    return Sources(tmp_path, [str(tmp_path)], committed_models(), 30.0)


def write(folder: Path, count: int, inside: int, days: float = 0.0) -> Path:
    """Write labels of different beers, some of them inside their interval."""
    time = NOW - timedelta(days=days)
    path = folder / f"feedback-{count}-{days:g}.jsonl"
    path.write_bytes(
        b"".join(
            to_line(
                label(
                    id=f"{count}-{index}",
                    request_id=None,
                    model="beer-ibu",
                    version="2",
                    inputs={"abv": float(index)},
                    outputs={"ibu": 40.0, "lower": 20.0, "upper": 60.0 if index < inside else 21.0},
                    ibu=30.0,
                    time=time,
                )
            )
            for index in range(count)
        )
    )
    return path


def figures(metrics: Registry, band: str = "all") -> dict[str, float]:
    """The values of the whole, by name and bound."""
    return {
        name + labels.partition("bound=")[2].strip('"'): value
        for (name, labels, _), value in metrics.read().items()
        if name.startswith("quality_") and f'band="{band}"' in labels
    }


def test_the_figures_are_metrics_and_are_computed_anew_when_labels_come(sources: Sources, tmp_path: Path) -> None:
    metrics = Registry()
    watcher = QualityWatcher(sources, metrics)
    write(tmp_path, 40, 20)
    write(tmp_path, 5, 5, days=31)
    watcher.look()
    found = figures(metrics)
    assert (found["quality_labels"], found["quality_beers"]) == (40.0, 40.0)
    assert found["quality_mean_absolute_error_ibuvalue"] == found["quality_bias_ibuvalue"] == 10.0
    assert found["quality_coverage_ratiovalue"] == 0.5
    assert found["quality_coverage_ratiolow"] < 0.5 < found["quality_coverage_ratiohigh"]
    assert (found["quality_promised_coverage_ratio"], found["quality_coverage_missed"]) == (0.9, 1.0)
    write(tmp_path, 60, 60)
    watcher.look()
    assert figures(metrics)["quality_labels"] == 100.0
    assert figures(metrics, "20-40")["quality_labels"] == 100.0


def test_what_has_no_labels_any_more_has_no_figures(sources: Sources, tmp_path: Path) -> None:
    metrics = Registry()
    watcher = QualityWatcher(sources, metrics)
    path = write(tmp_path, 40, 20)
    watcher.look()
    path.unlink()
    watcher.look()
    found = figures(metrics)
    assert found["quality_labels"] == found["quality_coverage_missed"] == 0.0
    assert isnan(found["quality_coverage_ratiovalue"])


def test_without_new_labels_nothing_is_computed_until_the_figures_are_old(
    sources: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = []

    def computed(watcher: QualityWatcher) -> dict[str, Any]:
        started.append(watcher)
        return {"figures": []}

    monkeypatch.setattr(QualityWatcher, "_computed", computed)
    watcher = QualityWatcher(sources, Registry())
    write(tmp_path, 2, 2)
    for _ in range(5):
        watcher.look()
    assert len(started) == 1
    monkeypatch.setattr(module, "MAX_AGE", 0.0)
    watcher.look()
    assert len(started) == 2


def test_one_process_of_several_has_the_figures(sources: Sources, tmp_path: Path) -> None:
    write(tmp_path, 2, 2)
    registries = [Registry(), Registry()]
    watchers = [QualityWatcher(sources, metrics) for metrics in registries]
    for watcher in watchers:
        watcher.look()
    assert [bool(figures(metrics)) for metrics in registries] == [True, False]
    os.close(watchers[0]._lock)  # as the end of the process does
    watchers[1].look()
    assert figures(registries[1])["quality_labels"] == 2.0


def test_a_child_that_fails_is_logged_once_and_the_figures_stay(
    sources: Sources, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics = Registry()
    watcher = QualityWatcher(sources, metrics)
    write(tmp_path, 2, 2)
    watcher.look()
    watcher._sources = replace(sources, paths=["s3:// / "])
    write(tmp_path, 3, 3)
    with caplog.at_level(logging.ERROR):
        watcher.look()
        watcher.look()
    assert caplog.text.count("online quality cannot be computed") == 1
    assert figures(metrics)["quality_labels"] == 2.0
    monkeypatch.setattr(module, "MAX_SECONDS", 0.01)
    watcher._sources, watcher._is_failing = sources, False
    watcher.look()
    assert "longer than 0.01 s" in caplog.text
    monkeypatch.undo()
    watcher.look()
    assert figures(metrics)["quality_labels"] == 5.0


def test_without_a_folder_it_waits(sources: Sources, tmp_path: Path) -> None:
    metrics = Registry()
    QualityWatcher(replace(sources, labels=tmp_path / "later"), metrics).look()
    assert figures(metrics) == {}


def test_it_ends_with_the_program(sources: Sources, tmp_path: Path) -> None:
    write(tmp_path, 2, 2)
    watcher = QualityWatcher(sources, Registry())
    watcher.start()
    watcher.stop()
    watcher._thread.join(10)
    assert not watcher._thread.is_alive()
