"""Usage: what is counted, several processes that add to one file, and files that cannot be written."""

import json
import logging
import multiprocessing
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.shared_file import locked
from app.telemetry.calls import CallNotes, CallWatch, join_calls, note_rows
from app.usage import file as usage_file
from app.usage.counts import UsageCounts
from app.usage.file import add_usage, read_usage

DAY = 86_400.0
NOON = 20_000 * DAY + DAY / 2
TODAY, TOMORROW = "2024-10-04", "2024-10-05"


def call(**changes: Any) -> CallNotes:
    notes = CallNotes()
    noted = {"method": "POST", "route": "/predict", "status": 200, "started": NOON, "key_id": "brewery", **changes}
    for name, value in noted.items():
        setattr(notes, name, value)
    return notes


def counted(path: Path, *calls: CallNotes) -> UsageCounts:
    counts = UsageCounts(path)
    for each in calls:
        counts.count(each)
    return counts


def written(counts: UsageCounts) -> None:
    counts.start()
    counts.stop()


def test_calls_rows_and_refused_calls_are_counted_by_key_and_day(tmp_path: Path) -> None:
    path = tmp_path / "usage.json"
    rpc = {"transport": "grpc", "method": "GRPC", "route": "/inference.GRPCInferenceService/ModelInfer"}
    calls = [
        call(),
        call(status=422),
        call(status=499),
        call(started=NOON + DAY),
        call(status=503),  # began before midnight, and ended after another that began then
        call(key_id=""),
        call(route="/health/ready", key_id=""),
        call(**rpc, status=0),
        call(**rpc, status=1),
        call(**rpc, status=8),
    ]
    for each in calls:
        each.rows = 2
    written(counted(path, *calls))
    assert read_usage(path) == {
        (TODAY, "brewery"): (7, 14, 3),
        (TODAY, "-"): (1, 2, 0),
        (TOMORROW, "brewery"): (1, 2, 0),
    }


def test_rows_of_a_run_are_those_of_the_calls_that_it_answers() -> None:
    watch = CallWatch()
    alone = watch.begin(None)
    note_rows({"features": np.zeros((5, 2)), "more": np.zeros((5, 1))}, {}, 0.0, ())
    first, second = watch.begin(None), watch.begin(None)
    join_calls((first, second))
    note_rows({"features": np.zeros((2, 2))}, {}, 0.0, ())
    assert (alone.rows, first.rows, second.rows) == (5, 1, 1)


def _add(path: Path) -> None:
    for _ in range(25):
        add_usage(path, {(TODAY, "brewery"): (1, 2, 0)})


def test_several_processes_add_up_and_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "usage.json"
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_add, args=(path,)) for _ in range(2)]
    for process in processes:
        process.start()
    while any(process.is_alive() for process in processes):
        read_usage(path)
    assert read_usage(path) == {(TODAY, "brewery"): (50, 100, 0)}
    assert {each.name for each in tmp_path.iterdir()} == {"usage.json", "usage.json.lock"}


def test_what_is_lost_when_the_process_is_killed_is_of_the_last_interval(tmp_path: Path) -> None:
    counts = UsageCounts(tmp_path / "usage.json", interval=0.02)
    counts.start()
    counts.count(call())
    limit = time.monotonic() + 10
    while not read_usage(tmp_path / "usage.json"):
        assert time.monotonic() < limit
        time.sleep(0.01)
    counts.stop()
    assert read_usage(tmp_path / "usage.json") == {(TODAY, "brewery"): (1, 0, 0)}, "what is written is not added again"


def test_what_cannot_be_written_is_kept_reported_once_and_written_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "usage.json"
    path.write_text("{}")
    counts = counted(path, call())
    with caplog.at_level(logging.ERROR):
        counts._write()
        counts._write()
    assert len(caplog.records) == 1 and "it is not a file of the usage" in caplog.text
    assert path.read_text() == "{}"
    path.unlink()
    counts._write()
    assert read_usage(path) == {(TODAY, "brewery"): (1, 0, 0)}


def test_the_file_is_bounded_and_forgets_the_oldest_days_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_file, "MAX_ENTRIES", 3)
    path = tmp_path / "usage.json"
    for day in range(1, 6):
        add_usage(path, {(f"2026-01-{day:02d}", "brewery"): (day, 0, 0)})
    assert [day for day, _ in read_usage(path)] == ["2026-01-03", "2026-01-04", "2026-01-05"]


def test_days_that_are_over_leave_the_memory(tmp_path: Path) -> None:
    counts = counted(tmp_path / "usage.json", *(call(started=NOON + number * DAY) for number in range(50)))
    counts._write()
    assert len(counts._counts) == len(counts._written) == 2
    assert len(read_usage(tmp_path / "usage.json")) == 50


def test_counting_goes_on_while_the_file_is_locked(tmp_path: Path) -> None:
    path = tmp_path / "usage.json"
    with locked(path):
        counts = counted(path, call())
        writer = threading.Thread(target=counts._write)
        writer.start()
        counts.count(call())
    writer.join()
    counts._write()
    assert read_usage(path) == {(TODAY, "brewery"): (2, 0, 0)}


@pytest.mark.parametrize(
    "text", ["", "[]", '{"days": {"today": {"a": [1, 2, 3]}}}', '{"days": {"2026-01-01": {"a": [1]}}}', "[" * 9999]
)
def test_another_file_is_not_overwritten(tmp_path: Path, text: str) -> None:
    path = tmp_path / "usage.json"
    path.write_text(text)
    with pytest.raises(ValueError, match="not a file of the usage"):
        add_usage(path, {(TODAY, "brewery"): (1, 0, 0)})
    assert path.read_text() == text


def test_the_file_is_private_and_states_its_format(tmp_path: Path) -> None:
    path = tmp_path / "usage.json"
    add_usage(path, {(TODAY, "brewery"): (1, 2, 3)})
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text()) == {"format_version": 1, "days": {TODAY: {"brewery": [1, 2, 3]}}}
