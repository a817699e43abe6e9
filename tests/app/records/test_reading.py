"""Reading records: exact numbers, every kind of path, and files of a process that was killed."""

import gzip
import json
import math
import struct
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from app.errors import RecordsError
from app.records.reading import Record, Tally, read_records, record_of

TIME = datetime(2026, 11, 27, 16, 0, 0, 123456, UTC)


def record(row: int = 0, **changes: object) -> Record:
    values = {
        "time": TIME,
        "request_id": "abc-1",
        "row": row,
        "model": "beer-ibu",
        "version": "2",
        "inputs": {"abv": 0.1, "ebc": math.nan},
        "outputs": {"ibu": 40.5},
        "warnings": ("outside_trained_range",),
    }
    return Record(**{**values, **changes})  # type: ignore[arg-type]


def line(row: int = 0, **changes: object) -> str:
    return json.dumps(record(row, **changes).as_json(), allow_nan=False) + "\n"


def rows(*paths: str | Path, tally: Tally | None = None) -> list[int]:
    return [each.row for each in read_records(paths, tally)]


def test_a_line_has_the_documented_form_and_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "records-1.jsonl"
    path.write_text(line(3, text={"name": "Pliny"}))
    assert json.loads(path.read_text()) == {
        "time": "2026-11-27T16:00:00.123456Z",
        "request_id": "abc-1",
        "row": 3,
        "model": "beer-ibu",
        "version": "2",
        "inputs": {"abv": 0.1, "ebc": None},
        "outputs": {"ibu": 40.5},
        "warnings": ["outside_trained_range"],
        "run": [0, 1],
        "text": {"name": "Pliny"},
    }
    (read,) = read_records([path])
    assert (read.time, read.request_id, read.row, read.model, read.version) == (TIME, "abc-1", 3, "beer-ibu", "2")
    assert read.inputs["abv"] == 0.1 and math.isnan(read.inputs["ebc"])
    assert (read.outputs, read.warnings, read.text) == (
        {"ibu": 40.5},
        ("outside_trained_range",),
        {"name": "Pliny"},
    )


def test_every_float32_reads_back_to_the_same_bits(tmp_path: Path) -> None:
    bits = np.random.default_rng(0).integers(0, 2**32, 20_000, dtype=np.uint32)
    bits = np.concatenate([bits, np.array([0, 2**31, 1, 2**31 + 1, 0x7F800000, 0xFF800000, 0x7F7FFFFF], np.uint32)])
    values = bits.view(np.float32)
    values = values[~np.isnan(values)]
    path = tmp_path / "records-1.jsonl"
    path.write_text("".join(line(inputs={"x": value}, outputs={"y": value}) for value in values.tolist()))
    read = list(read_records([path]))
    for numbers in ([each.inputs["x"] for each in read], [each.outputs["y"] for each in read]):
        assert np.array(numbers, np.float32).view(np.uint32).tolist() == values.view(np.uint32).tolist()
    assert struct.pack("f", read[-6].inputs["x"]) == struct.pack("f", -0.0)


def test_files_folders_patterns_and_gzip_are_read_in_the_order_of_the_names(tmp_path: Path) -> None:
    folder = tmp_path / "records"
    (folder / "machine").mkdir(parents=True)
    (folder / "records-2.jsonl").write_text(line(2) + line(3))
    (folder / "machine" / "records-1.jsonl.gz").write_bytes(gzip.compress(line(1).encode()))
    (folder / "feedback-1.jsonl").write_text(line(9))
    (folder / "notes.txt").write_text(line(9))
    other = tmp_path / "any name.jsonl"
    other.write_text(line(4))
    assert rows(folder) == [1, 2, 3]
    assert rows(str(folder / "rec*.jsonl")) == [2, 3]
    assert rows(other, folder, folder / "records-2.jsonl") == [4, 1, 2, 3]
    assert rows(str(tmp_path / "any*"), str(folder)) == [4, 1, 2, 3]


def test_lines_that_are_no_records_are_skipped_and_counted(tmp_path: Path) -> None:
    path, tally = tmp_path / "records-1.jsonl", Tally()
    whole = line(1)
    other = json.dumps({"time": "yesterday", "inputs": []})
    bad_time = whole.replace("2026-11-27", "2026-13-27")
    path.write_text(line(0) + "\n" + other + "\n[]\n1\n" + bad_time + whole.replace('"row": 1', '"row": "1"'))
    with path.open("ab") as file:
        file.write(b"\xff\xfe\n" + whole.encode()[:-20])
    assert rows(path, tally=tally) == [0]
    assert (tally.files, tally.records, tally.skipped) == (1, 1, 8)
    assert tally.bytes == path.stat().st_size


def test_a_damaged_gzip_file_gives_what_can_be_read(tmp_path: Path) -> None:
    data = gzip.compress(b"".join(line(row).encode() for row in range(2_000)), 1)
    path, tally = tmp_path / "records-1.jsonl.gz", Tally()
    path.write_bytes(data[: len(data) // 2])
    read = rows(path, tally=tally)
    assert 100 < len(read) < 1_999
    assert read == list(range(len(read)))
    assert tally.skipped >= 1


@pytest.mark.parametrize("path", ["missing", "missing/records-1.jsonl", "missing*.jsonl"])
def test_a_path_that_does_not_exist_is_an_error_that_names_it(tmp_path: Path, path: str) -> None:
    with pytest.raises(RecordsError, match="missing"):
        rows(tmp_path / path)


def test_an_empty_folder_has_no_records(tmp_path: Path) -> None:
    assert rows(tmp_path) == []


def test_a_file_of_which_there_is_a_parquet_file_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "records-1.jsonl").write_text(line(1))
    (tmp_path / "records-1.parquet").write_bytes(b"not a Parquet file")
    with pytest.raises(RecordsError, match=r"records-1\.parquet"):
        rows(tmp_path)


def test_the_value_of_a_line_becomes_a_record() -> None:
    assert record_of(record().as_json()) is not None
    assert record_of({**record().as_json(), "inputs": {"abv": "much"}}) is None
    assert record_of({**record().as_json(), "warnings": None}) is None
    assert record_of(None) is None
