"""Metrics: places, totals over processes, what is left of one that was killed, and counts from several threads."""

import os
import signal
import subprocess
import sys
import threading
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.telemetry.distribution import MANY, Distribution
from app.telemetry.exposition import exposition
from app.telemetry.metrics import Family, Registry
from app.telemetry.shared_counters import CAPACITY, SPILL
from tests.known import REPOSITORY

CALLS = Family("calls_total", "Calls.", "counter", ("who",))
OPEN = Family("calls_in_progress", "Open calls.", "gauge")
STATE = Family("state", "The worst of all.", "gauge", merge="max")
SIZE = Family("size_bytes", "Sizes.", "histogram", ("who",), (1.0, 2.5, 10.0))
CHILD = """
import sys
from pathlib import Path
from app.telemetry.metrics import Registry
from tests.app.telemetry.test_metrics import CALLS, OPEN, SIZE, STATE
from app.telemetry.distribution import Distribution
registry = Registry(Path(sys.argv[1]))
registry.values[registry.place(CALLS, "child")] += 3
registry.values[registry.place(CALLS, "both")] += 4
registry.values[registry.place(OPEN)] += 5
registry.values[registry.place(STATE)] = 6
Distribution(registry, SIZE, "both").add(2.0)
print("counted", flush=True)
sys.stdin.read()
"""


def told(registry: Registry) -> dict[str, float]:
    """The exposition's samples."""
    lines = exposition(registry).decode().splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}


@pytest.fixture
def child(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that shares the folder and has counted."""
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout and process.stdout.readline() == "counted\n"
        yield process
        process.kill()


def test_a_place_is_the_same_for_the_same_labels_and_no_other() -> None:
    registry = Registry()
    places = [registry.place(CALLS, "a"), registry.place(CALLS, "b"), registry.place(SIZE, "a"), registry.place(OPEN)]
    assert len(set(places)) == 4
    assert [registry.place(CALLS, "a"), registry.place(SIZE, "a")] == [places[0], places[2]]


def test_the_exposition_is_what_prometheus_reads() -> None:
    registry = Registry()
    registry.values[registry.place(CALLS, 'q"\\\n')] += 2
    sizes = Distribution(registry, SIZE, "a")
    for size in 0.5, 1.0, 1.5, 99.0:
        sizes.add(size)
    assert exposition(registry).decode() == (
        "# HELP calls_total Calls.\n"
        "# TYPE calls_total counter\n"
        'calls_total{who="q\\"\\\\ "} 2\n'
        "# HELP size_bytes Sizes.\n"
        "# TYPE size_bytes histogram\n"
        'size_bytes_bucket{who="a",le="1"} 2\n'
        'size_bytes_bucket{who="a",le="2.5"} 3\n'
        'size_bytes_bucket{who="a",le="10"} 3\n'
        'size_bytes_bucket{who="a",le="+Inf"} 4\n'
        'size_bytes_sum{who="a"} 102\n'
        'size_bytes_count{who="a"} 4\n'
    )


def _prepared(folder: Path) -> Registry:
    registry = Registry(folder)
    registry.values[registry.place(CALLS, "both")] += 10
    registry.values[registry.place(OPEN)] += 1
    registry.values[registry.place(STATE)] = 1
    registry.place(SIZE, "both")
    return registry


def test_processes_that_share_a_folder_add_up(tmp_path: Path, child: "subprocess.Popen[str]") -> None:
    figures = told(_prepared(tmp_path))
    assert figures['calls_total{who="child"}'] == 3
    assert figures['calls_total{who="both"}'] == 14
    assert figures["calls_in_progress"] == 6
    assert figures["state"] == 6
    assert figures['size_bytes_bucket{who="both",le="2.5"}'] == 1
    assert figures['size_bytes_bucket{who="both",le="1"}'] == 0


def test_a_killed_process_leaves_its_counts_but_not_its_gauges(tmp_path: Path, child: "subprocess.Popen[str]") -> None:
    registry = _prepared(tmp_path)
    child.send_signal(signal.SIGKILL)
    child.wait()
    figures = told(registry)
    assert figures['calls_total{who="both"}'] == 14
    assert (figures["calls_in_progress"], figures["state"]) == (1, 1)


def test_a_new_process_goes_on_where_a_dead_one_stopped(tmp_path: Path, child: "subprocess.Popen[str]") -> None:
    child.kill()
    child.wait()
    successor = Registry(tmp_path)
    assert len(list(tmp_path.iterdir())) == 1
    for family, label in ((CALLS, ["child"]), (OPEN, []), (SIZE, ["both"])):
        successor.place(family, *label)
    successor.values[successor.place(CALLS, "child")] += 1
    figures = told(successor)
    assert figures['calls_total{who="child"}'] == 4
    assert figures["calls_in_progress"] == 0
    assert figures['size_bytes_count{who="both"}'] == 1


def test_a_process_that_says_nothing_of_itself_keeps_its_counts(tmp_path: Path, child: "subprocess.Popen[str]") -> None:
    registry = _prepared(tmp_path)
    registry.clear_gauges()
    figures = told(registry)
    assert (figures["calls_in_progress"], figures['calls_total{who="both"}']) == (5, 14)


def test_files_that_are_no_sheets_are_let_be(tmp_path: Path) -> None:
    (tmp_path / "1.sheet").write_bytes(b"something else")
    (tmp_path / "7.sheet").write_bytes(b"")
    registry = _prepared(tmp_path)
    assert told(registry)['calls_total{who="both"}'] == 10
    assert (tmp_path / "1.sheet").read_bytes() == b"something else"


def test_a_full_sheet_counts_what_it_has_room_for(caplog: pytest.LogCaptureFixture) -> None:
    registry = Registry()
    for number in range(CAPACITY):
        registry.values[registry.place(CALLS, str(number))] += 1
    assert "no room" in caplog.text
    figures = told(registry)
    assert len(figures) == CAPACITY - SPILL
    assert set(figures.values()) == {1}


def test_threads_lose_no_count() -> None:
    registry = Registry()
    place = registry.place(CALLS, "all")
    values, rounds = registry.values, 100_000

    def count() -> None:
        for _ in range(rounds):
            values[place] += 1.0

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=count) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert values[place] == 4 * rounds


@given(st.lists(st.floats(0, 20, width=32), min_size=1), st.sampled_from([1, MANY]))
def test_many_at_once_are_counted_as_each_alone(some: list[float], times: int) -> None:
    values = some * times
    registry = Registry()
    alone, together = Distribution(registry, SIZE, "alone"), Distribution(registry, SIZE, "together")
    for value in values:
        alone.add(value)
    together.add_all(np.array(values))
    figures = told(registry)
    for bound in "1", "2.5", "10", "+Inf":
        assert len({figures[f'size_bytes_bucket{{who="{who}",le="{bound}"}}'] for who in ("alone", "together")}) == 1
    assert figures['size_bytes_sum{who="together"}'] == pytest.approx(np.sum(values), abs=1e-3)
    assert figures['size_bytes_bucket{who="alone",le="1"}'] == sum(bisect_left((1.0,), v) == 0 for v in values)
