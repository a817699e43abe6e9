"""``python -m app quality``."""

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.cli.main import main
from app.labels.label import to_line
from app.records.reading import Record
from tests.committed import committed_models
from tests.labels import label

NOW = datetime.now(UTC)
ANSWER = {"ibu": 40.0, "lower": 20.0, "upper": 60.0}


@pytest.fixture
def folder(plain_environment: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of labels and records: three answered labels, an old one, one without a record."""
    monkeypatch.setenv("MODEL_URI", str(committed_models()))
    folder = plain_environment / "records"
    folder.mkdir()
    labels = [
        label(id="a", request_id="r-1", ibu=30.0, time=NOW),
        label(id="b", request_id="r-2", ibu=90.0, time=NOW),
        label(id="c", request_id="r-3", ibu=45.0, time=NOW, kind="stated"),
        label(id="d", request_id="r-1", row=1, ibu=1.0, time=NOW - timedelta(days=40)),
        label(id="e", request_id="unknown", time=NOW),
    ]
    (folder / "feedback-1.jsonl").write_bytes(b"".join(map(to_line, labels)) + b"{}\n")
    records = [
        Record(NOW - timedelta(days=50), name, row, "beer-ibu", "2", {"abv": float(abv)}, ANSWER)
        for name, row, abv in (("r-1", 0, 4), ("r-1", 1, 5), ("r-2", 0, 6), ("r-3", 0, 7))
    ]
    (folder / "records-1.jsonl").write_text("".join(json.dumps(each.as_json()) + "\n" for each in records))
    return folder


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    monkeypatch.setattr(sys, "argv", ["app", "quality", *arguments])
    main()
    return capsys.readouterr().out


def test_the_table_shows_each_version_with_its_counts_and_uncertainty(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = run(monkeypatch, capsys).splitlines()
    assert lines[0].split() == [
        "model",
        "version",
        "kind",
        "IBU",
        "labels",
        "beers",
        "MAE",
        "bias",
        "coverage",
        "promised",
    ]
    measured = lines[1].split()
    assert measured[:6] == ["beer-ibu", "2", "measured", "all", "3", "3"]
    assert "33.0 [10.0, 50.0]" in lines[1] and "33% [6%, 79%]" in lines[1] and lines[1].endswith("90%")
    assert "5 labels" in lines
    assert "1 labels without a known prediction: left out" in lines
    assert "1 lines that are no labels: left out" in lines


def test_json_has_the_same_figures(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    report = json.loads(run(monkeypatch, capsys, "--json"))
    assert {name: report[name] for name in ("labels", "unanswered", "without_interval", "skipped")} == {
        "labels": 5,
        "unanswered": 1,
        "without_interval": 0,
        "skipped": 1,
    }
    assert report["figures"][0]["mae"]["value"] == pytest.approx(33.0)
    assert report["figures"][0]["level"] == 0.9


@pytest.mark.parametrize("since", ["30d", "4w", "700h", (NOW - timedelta(days=30)).date().isoformat()])
def test_since_leaves_older_labels_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], since: str
) -> None:
    report = json.loads(run(monkeypatch, capsys, "--json", "--since", since))
    assert report["labels"] == 4 and report["figures"][0]["labels"] == 2


@pytest.mark.parametrize("paths", [["records/feedback-1.jsonl", "records/records-1.jsonl"], ["records"], ["records/*"]])
def test_paths_may_be_files_folders_and_patterns(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], paths: list[str]
) -> None:
    report = json.loads(run(monkeypatch, capsys, "--json", *paths))
    assert (report["labels"], report["unanswered"], report["skipped"]) == (5, 1, 1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [((), "RECORD_PATH"), (("missing",), "missing"), (("--since", "never"), "must be a time ago")],
    ids=["no folder", "no file", "no time"],
)
def test_what_is_wrong_is_said_in_a_line(
    plain_environment: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    message: str,
) -> None:
    with pytest.raises(SystemExit) as stop:
        run(monkeypatch, capsys, *arguments)
    assert stop.value.code == (4 if arguments == ("missing",) else 2)
    errors = capsys.readouterr().err
    assert message in errors and "Traceback" not in errors


def test_no_labels_are_said_to_be_none(
    plain_environment: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (plain_environment / "records").mkdir()
    assert run(monkeypatch, capsys) == "0 labels\n"
