"""Replay: a version gives, to the bit, what it gave when it was recorded; differences are counted by band."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.bundle.store import read_bundle
from app.models.quarantine import probes
from app.records.folder import Bounds
from app.records.reading import Record, read_records, record_of
from app.records.recorder import Recorder
from app.records.replay import LARGEST, Differences, Replayer
from app.runtime.onnx import OnnxPredictor
from app.telemetry.ids import EnteredRequestIds, enter_requests
from app.telemetry.metrics import Registry
from tests.commands import Print, printer
from tests.committed import committed, committed_models
from tests.known import BEER

pytestmark = pytest.mark.anyio
ROWS = 1_500


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records of half of the rows of runs of different sizes, by the models whose bits depend on the place in a run."""
    folder = tmp_path_factory.mktemp("recorded")
    recorder = Recorder(folder, 0.5, Bounds(10**6, 3600, 10**9), Registry())
    recorder.start()
    random = np.random.default_rng(0)
    for name in "beer-ibu-recipe", "iris":
        predictor = OnnxPredictor(read_bundle(committed(name)))
        packed, rows = next(iter(probes(predictor.manifest, ROWS).items()))
        for begin in range(0, ROWS, 25):
            for part in np.split(rows[begin : begin + 25], sorted(random.integers(1, 25, 3))):
                if len(part):
                    enter_requests([f"{name}-{begin}-{random.integers(10**9)}".encode() for _ in part])
                    recorder.record(predictor.manifest, {packed: part}, predictor.predict({packed: part}))
    EnteredRequestIds().of(b"")
    recorder._stop()
    return folder


@pytest.fixture(scope="module")
def both_versions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The committed models, and the version of the recipe model before."""
    root = shutil.copytree(committed_models(), tmp_path_factory.mktemp("replayed") / "models")
    shutil.copytree(committed("beer-ibu-recipe", "1"), root / "beer-ibu-recipe" / "1")
    return root


@pytest.fixture
def run(both_versions: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Print:
    """Runs the command; returns what it prints, or its error."""
    monkeypatch.setenv("MODEL_URI", str(both_versions))

    return printer("replay", monkeypatch, capfd)


@pytest.mark.parametrize("name", ["beer-ibu-recipe", "iris"])
def test_the_recorded_version_gives_the_same_bits(recorded: Path, name: str) -> None:
    replayer = Replayer(OnnxPredictor(read_bundle(committed(name))))
    records = [each for each in read_records([recorded]) if each.model == name]
    assert ROWS / 3 < len(records) < 2 * ROWS / 3
    given = replayer.outputs(records)
    expected = np.array([[each.outputs[output] for output in replayer.names] for each in records])
    assert given.view(np.int64).tolist() == expected.view(np.int64).tolist()


def test_as_one_run_or_row_by_row_the_bits_would_differ(recorded: Path) -> None:
    """Why a record has the row's place in its run."""
    replayer = Replayer(OnnxPredictor(read_bundle(committed("iris"))))
    records = [each for each in read_records([recorded]) if each.model == "iris"]
    exact = replayer.outputs(records)
    alone = replayer.outputs([_replaced(each, run=(0, 1)) for each in records])
    assert (alone != exact).any() and np.abs(alone - exact).max() < 1e-6 * np.abs(exact).max()


def test_the_command_compares_with_what_was_recorded(recorded: Path, run: Print) -> None:
    options = ("--model", "beer-ibu-recipe", "--version", "2", "--max-difference", "0", "--json")
    report = json.loads(run(recorded, *options))
    assert report["rows_equal_to_the_bit"] == report["records"] == report["rows"] > ROWS / 3
    assert report["recorded_versions"] == {"2": report["records"]}
    assert report["records_of_other_models"] > ROWS / 3 and report["records_that_lack_inputs"] == 0
    assert (report["output"], report["largest_difference"], report["largest"]) == ("ibu", 0, [])
    assert [(band["from"], band["to"]) for band in report["bands"]] == [
        (None, 20),
        (20, 40),
        (40, 60),
        (60, 80),
        (80, None),
    ]
    assert sum(band["rows"] for band in report["bands"]) == report["rows"]


def test_another_version_beyond_the_bound_ends_with_1_and_names_the_largest(recorded: Path, run: Print) -> None:
    options = ("--model", "beer-ibu-recipe", "--version", "1")
    report = json.loads(run(recorded, *options, "--max-difference", "1", "--json", code=1))
    assert report["rows_beyond"] > 0 and report["rows_equal_to_the_bit"] < report["records"]
    assert len(report["largest"]) == LARGEST
    first = report["largest"][0]
    assert abs(first["given"] - first["reference"]) == pytest.approx(report["largest_difference"])
    assert set(report["largest_difference_by_output"]) == {"ibu", "lower", "upper"}
    against = json.loads(run(recorded, *options, "--against", "2", "--json"))
    assert against["bands"] == [{**band, "rows_beyond": 0} for band in report["bands"]]
    text = run(recorded, *options, "--max-difference", "1", code=1)
    assert "version 1 against what was recorded" in text and "beyond 1" in text and "80 and more" in text


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--model", "beer-ibu", "--version", "2"], 4, "none of"),
        (["--model", "cat-dog", "--version", "1"], 4, "its rows are not recorded"),
        (["--model", "beer-ibu-recipe", "--version", "9"], 3, "no version 9"),
        (["--model", "ale", "--version", "1"], 3, "no model ale"),
        (["--model", "iris", "--version", "1", "--max-difference", "-1"], 2, "at least 0"),
    ],
)
def test_what_cannot_be_replayed_is_said(
    recorded: Path, run: Print, options: list[str], code: int, message: str
) -> None:
    assert message in run(recorded, *options, code=code)


def test_missing_files_are_said(run: Print, tmp_path: Path) -> None:
    assert "nothing.jsonl" in run(tmp_path / "nothing.jsonl", "--model", "iris", "--version", "1", code=4)


def _record(**changes: Any) -> Record:
    record = next(_records(1))
    return _replaced(record, **changes)


def _records(count: int) -> Iterator[Record]:
    for number in range(count):
        value = {
            "time": "2026-11-27T16:00:00Z",
            "request_id": f"call-{number}",
            "row": 0,
            "model": "beer-ibu",
            "version": "2",
            "inputs": BEER,
            "outputs": {"ibu": 1.0},
            "warnings": [],
        }
        record = record_of(value)
        assert record is not None
        yield record


def _replaced(record: Record, **changes: Any) -> Record:
    return replace(record, **changes)


def test_a_record_that_lacks_a_required_input_does_not_fit(predictor: OnnxPredictor) -> None:
    replayer, record = Replayer(predictor), _record()
    assert replayer.fits(record)
    required = next(each.name for each in predictor.manifest.inputs if not each.optional)
    optional = next(each.name for each in predictor.manifest.inputs if each.optional)
    without = {name: value for name, value in record.inputs.items() if name != required}
    assert not replayer.fits(_replaced(record, inputs=without))
    assert not replayer.fits(_replaced(record, inputs={**without, required: float("nan")}))
    without = {name: value for name, value in record.inputs.items() if name != optional}
    assert replayer.fits(_replaced(record, inputs=without))


def test_rows_of_a_run_that_somebody_cut_or_mixed_are_still_answered(predictor: OnnxPredictor) -> None:
    replayer, record = Replayer(predictor), _record()
    later = record.time + timedelta(seconds=1)
    runs = [(0, 3), (2, 3), (1, 3), (7, 2), (0, 1), (5, 0)]
    records = [_replaced(record, run=each, time=later if each == (0, 1) else record.time) for each in runs]
    given = replayer.outputs(records)
    assert given.shape == (6, len(replayer.names))
    assert np.allclose(given, given[0])


def test_differences_are_counted_by_band_and_the_largest_are_named() -> None:
    differences = Differences(["ibu", "lower"], "IBU", 2.0)
    records = list(_records(6))
    reference = np.array([[10.0, 1], [20, 1], [39, 1], [85, 1], [90, np.nan], [50, 1]])
    given = np.array([[11.0, 1], [20, 1], [36, 1], [85, 9], [90, np.nan], [np.nan, 1]])
    differences.add(records[:3], reference[:3], given[:3])
    differences.add(records[3:], reference[3:], given[3:])
    figures = differences.as_json
    assert (figures["rows"], figures["rows_beyond"], figures["rows_without_a_number"]) == (5, 1, 1)
    assert figures["rows_equal_to_the_bit"] == 2
    assert figures["mean_difference"] == pytest.approx(-0.4)
    assert figures["mean_absolute_difference"] == pytest.approx(0.8)
    assert figures["largest_difference_by_output"] == {"ibu": 3.0, "lower": 8.0}
    assert [band["rows"] for band in figures["bands"]] == [1, 2, 0, 0, 2]
    assert [band["largest_difference"] for band in figures["bands"]] == [1, 3, 0, 0, 0]
    assert [each["request_id"] for each in figures["largest"]] == ["call-2", "call-0"]
    assert differences.is_beyond


def test_without_a_bound_nothing_is_beyond_it() -> None:
    differences = Differences(["class_id"])
    (record,) = _records(1)
    differences.add([record], np.array([[1.0]]), np.array([[3.0]]))
    assert not differences.is_beyond and "bands" not in differences.as_json
