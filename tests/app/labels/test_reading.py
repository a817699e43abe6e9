"""Reading labels from files, and joining them to records."""

import gzip
from datetime import timedelta
from pathlib import Path

import pytest

from app.errors import RecordsError
from app.labels.label import Label, to_line
from app.labels.reading import LabelTally, read_labels
from app.records.reading import Record
from tests.labels import TIME, label


def answered(request_id: str, ibu: float, hours: float = 1.0, row: int = 0) -> Record:
    """A row that was answered some hours before the labels."""
    return Record(TIME - timedelta(hours=hours), request_id, row, "beer-ibu", "2", {"abv": 5.0}, {"ibu": ibu})


def write(path: Path, *labels: Label, end: bytes = b"") -> Path:
    """Write labels to a file."""
    path.write_bytes(b"".join(map(to_line, labels)) + end)
    return path


def test_files_folders_and_patterns_are_read_once_each_by_time(tmp_path: Path) -> None:
    later = label(id="b", time=TIME + timedelta(seconds=1))
    first = write(tmp_path / "feedback-1.jsonl", later)
    (tmp_path / "feedback-2.jsonl.gz").write_bytes(gzip.compress(to_line(label(id="a"))))
    write(tmp_path / "other.jsonl", label(id="c"))
    (tmp_path / "records-1.jsonl").write_bytes(b"{}\n")
    paths: list[list[str | Path]] = [[tmp_path, first], [f"{tmp_path}/feedback-*"], [str(tmp_path)]]
    for each in paths:
        assert [read.id for read in read_labels(each)] == ["a", "b"]
    assert [read.id for read in read_labels([tmp_path / "other.jsonl"])] == ["c"]


def test_a_path_that_does_not_exist_is_an_error_and_an_empty_folder_is_none(tmp_path: Path) -> None:
    for missing in (tmp_path / "missing", f"{tmp_path}/feedback-*"):
        with pytest.raises(RecordsError):
            list(read_labels([missing]))
    assert list(read_labels([tmp_path])) == []


def test_of_labels_with_one_id_the_latest_counts(tmp_path: Path) -> None:
    corrected = label(ibu=43.0, time=TIME + timedelta(days=1))
    write(tmp_path / "feedback-1.jsonl", label(ibu=430.0), corrected)
    write(tmp_path / "feedback-2.jsonl", label(ibu=42.0))
    assert list(read_labels([tmp_path])) == [corrected]


def test_lines_that_are_no_labels_are_skipped_and_counted(tmp_path: Path) -> None:
    long = b'{"note":"' + b"a" * 300_000 + b'"}\n'
    path = write(tmp_path / "feedback-1.jsonl", label(id="a"), end=long + b"{}\n" + to_line(label(id="b"))[:-20])
    tally = LabelTally()
    assert [read.id for read in read_labels([path], tally=tally)] == ["a"]
    assert tally.skipped == 3
    cut = tmp_path / "feedback-2.jsonl.gz"
    cut.write_bytes(gzip.compress(to_line(label(id="c")))[:-12])
    tally = LabelTally()
    assert len(list(read_labels([cut], tally=tally))) <= 1
    assert tally.skipped == 1


def test_a_label_of_a_request_gets_what_the_model_answered_to_it(tmp_path: Path) -> None:
    write(tmp_path / "feedback-1.jsonl", label(id="a"), label(id="b", row=1), label(id="c", request_id="other"))
    rows = [answered("abc-1", 40.0), answered("abc-1", 50.0, row=1), answered("abc-1", 60.0, row=2)]
    labels = {read.id: read for read in read_labels([tmp_path], rows)}
    assert labels["a"].outputs == {"ibu": 40.0} and labels["b"].outputs == {"ibu": 50.0}
    assert (labels["a"].model, labels["a"].version, labels["a"].inputs) == ("beer-ibu", "2", {"abv": 5.0})
    assert not labels["c"].is_joined


def test_of_rows_with_one_request_id_the_latest_before_the_label_is_its_own(tmp_path: Path) -> None:
    write(tmp_path / "feedback-1.jsonl", label())
    rows = [answered("abc-1", 1.0, hours=9), answered("abc-1", 2.0, hours=1), answered("abc-1", 3.0, hours=-1)]
    for order in (rows, rows[::-1]):
        assert [read.outputs for read in read_labels([tmp_path], order)] == [{"ibu": 2.0}]
    assert [read.is_joined for read in read_labels([tmp_path], rows[2:])] == [False]


def test_a_label_that_came_with_a_beer_keeps_its_own_answer(tmp_path: Path) -> None:
    own = label(request_id=None, model="m", version="1", inputs={"abv": 5.0}, outputs={"ibu": 9.0})
    write(tmp_path / "feedback-1.jsonl", own)
    assert list(read_labels([tmp_path], [answered("abc-1", 40.0)])) == [own]
