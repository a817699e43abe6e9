"""Metrics: handles, totals over processes, killed processes, and updates from several threads."""

import gc
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

from app.telemetry.exposition import exposition
from app.telemetry.handles import BULK
from app.telemetry.metrics import DROPPED, Family, Registry
from app.telemetry.shared_counters import CAPACITY, SPILL
from tests.known import REPOSITORY

CALLS = Family("calls_total", "Calls.", "counter", ("who",))
OPEN = Family("calls_in_progress", "Open calls.", "gauge")
STATE = Family("state", "The maximum.", "gauge", merge="max")
SIZE = Family("size_bytes", "Sizes.", "histogram", ("who",), (1.0, 2.5, 10.0))
CHILD = """
import sys
from pathlib import Path
from app.telemetry.metrics import Registry
from tests.app.telemetry.test_metrics import CALLS, OPEN, SIZE, STATE
registry = Registry(Path(sys.argv[1]))
registry.counter(CALLS, "child").inc(3)
registry.counter(CALLS, "both").inc(4)
registry.gauge(OPEN).inc(5)
registry.gauge(STATE).set(6)
registry.histogram(SIZE, "both").observe(2.0)
print("counted", flush=True)
sys.stdin.read()
"""


def samples(registry: Registry) -> dict[str, float]:
    """Return the samples of the exposition by name and labels."""
    lines = exposition(registry).decode().splitlines()
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}


@pytest.fixture
def child(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Start another process that shares the folder and has counted."""
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


def test_the_same_labels_lead_to_the_same_series_and_others_to_another() -> None:
    registry = Registry()
    for label in "a", "b", "a":
        registry.counter(CALLS, label).inc()
        registry.histogram(SIZE, label).observe(2.0)
    figures = samples(registry)
    assert (figures['calls_total{who="a"}'], figures['calls_total{who="b"}']) == (2, 1)
    assert (figures['size_bytes_count{who="a"}'], figures['size_bytes_count{who="b"}']) == (2, 1)


def test_a_group_counts_by_index_and_many_at_once() -> None:
    registry = Registry()
    registry.counter(CALLS, "b").inc()
    group = registry.counters(CALLS, [("a",), ("b",), ("c",)])
    group.inc_each([2, 0, 2])
    group.add(1, np.array([10, 100]))
    figures = samples(registry)
    assert [figures[f'calls_total{{who="{who}"}}'] for who in "abc"] == [1, 11, 102]


@pytest.mark.parametrize("kind", ["counter", "gauge", "histogram"])
def test_a_handle_of_another_kind_is_an_error(kind: str) -> None:
    registry = Registry()
    for family in (family for family in (CALLS, OPEN, SIZE) if family.kind != kind):
        with pytest.raises(ValueError, match=f"{family.name} is a {family.kind}, not a {kind}"):
            getattr(registry, kind)(family, *family.labels)


def test_the_exposition_is_in_the_text_format_of_prometheus() -> None:
    registry = Registry()
    registry.counter(CALLS, 'q"\\\n').inc(2)
    sizes = registry.histogram(SIZE, "a")
    for size in 0.5, 1.0, 1.5, 99.0:
        sizes.observe(size)
    assert exposition(registry).decode() == (
        "# HELP calls_total Calls.\n"
        "# TYPE calls_total counter\n"
        'calls_total{who="q\\"\\\\ "} 2\n'
        f"# HELP metrics_dropped_series_total {DROPPED.help}\n"
        "# TYPE metrics_dropped_series_total counter\n"
        "metrics_dropped_series_total 0\n"
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
    registry.counter(CALLS, "both").inc(10)
    registry.gauge(OPEN).inc()
    registry.gauge(STATE).set(1)
    registry.histogram(SIZE, "both")
    return registry


def test_processes_that_share_a_folder_add_up(tmp_path: Path, child: "subprocess.Popen[str]") -> None:
    figures = samples(_prepared(tmp_path))
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
    figures = samples(registry)
    assert figures['calls_total{who="both"}'] == 14
    assert (figures["calls_in_progress"], figures["state"]) == (1, 1)


def test_a_new_process_continues_the_counts_of_a_killed_one(tmp_path: Path, child: "subprocess.Popen[str]") -> None:
    child.kill()
    child.wait()
    successor = Registry(tmp_path)
    assert len(list(tmp_path.iterdir())) == 1
    successor.gauge(OPEN)
    successor.histogram(SIZE, "both")
    successor.counter(CALLS, "child").inc()
    figures = samples(successor)
    assert figures['calls_total{who="child"}'] == 4
    assert figures["calls_in_progress"] == 0
    assert figures['size_bytes_count{who="both"}'] == 1


def test_cleared_gauges_leave_the_counters(tmp_path: Path, child: "subprocess.Popen[str]") -> None:
    registry = _prepared(tmp_path)
    registry.clear_gauges()
    figures = samples(registry)
    assert (figures["calls_in_progress"], figures['calls_total{who="both"}']) == (5, 14)


def test_other_files_in_the_folder_stay(tmp_path: Path) -> None:
    (tmp_path / "1.counters").write_bytes(b"something else")
    (tmp_path / "7.counters").write_bytes(b"")
    registry = _prepared(tmp_path)
    assert samples(registry)['calls_total{who="both"}'] == 10
    assert (tmp_path / "1.counters").read_bytes() == b"something else"


def test_series_without_room_are_logged_and_not_counted(caplog: pytest.LogCaptureFixture) -> None:
    registry = Registry()
    for number in range(CAPACITY):
        registry.counter(CALLS, str(number)).inc()
    assert caplog.text.count("no room") == 1
    figures = samples(registry)
    assert len(figures) == CAPACITY - SPILL
    assert figures.pop("metrics_dropped_series_total") == SPILL + 1
    assert set(figures.values()) == {1}


class Owner:
    """What owns series, as a loaded version of a model does."""


def versions_in_turn(registry: Registry, *, of: int = CAPACITY) -> Iterator[str]:
    """Yield more labels than there is room for. Each has an owner, which is gone when the next label comes."""
    for number in range(10_000, 10_000 + of):
        registry.counter(CALLS, str(number)).inc()
        owner = Owner()
        registry.own(owner, [(CALLS, (str(number),))])
        yield str(number)


def test_series_take_the_place_of_those_whose_owner_is_gone(caplog: pytest.LogCaptureFixture) -> None:
    registry = Registry()
    kept = Owner()
    registry.counter(CALLS, "kept").inc(5)
    registry.own(kept, [(CALLS, ("kept",))])
    last = list(versions_in_turn(registry))[-1]
    figures = samples(registry)
    assert figures[f'calls_total{{who="{last}"}}'] == 1
    assert figures['calls_total{who="kept"}'] == 5
    assert 'calls_total{who="10000"}' not in figures, "the oldest is gone"
    assert figures["metrics_dropped_series_total"] == 0
    assert "no room" not in caplog.text


def test_a_series_with_another_owner_stays() -> None:
    registry = Registry()
    first, second = Owner(), Owner()
    registry.counter(CALLS, "twice").inc(5)
    for owner in first, second:
        registry.own(owner, [(CALLS, ("twice",))])
    del first, owner
    gc.collect()
    list(versions_in_turn(registry))
    assert samples(registry)['calls_total{who="twice"}'] == 5


def test_a_successor_reuses_the_series_that_nobody_asked_for_again(tmp_path: Path) -> None:
    registry = Registry(tmp_path)
    list(versions_in_turn(registry))
    registry._counters.release()  # as the kernel does at the end of a process
    successor = Registry(tmp_path)
    successor.counter(CALLS, "99999").inc()
    figures = samples(successor)
    assert figures['calls_total{who="99999"}'] == 1
    assert figures["metrics_dropped_series_total"] == 0


def test_a_file_system_without_room_turns_the_metrics_off(tmp_path: Path) -> None:
    """As with a full file system, a store to the file would end the process with SIGBUS."""
    code = """
import resource, sys
from pathlib import Path
from app.telemetry.exposition import exposition
from app.telemetry.metrics import Registry
from tests.app.telemetry.test_metrics import CALLS
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
registry = Registry(Path(sys.argv[1]))
registry.counter(CALLS, "a").inc()
print(exposition(registry).decode())
registry.leave()
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "folder")],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "metrics_off 1" in done.stdout and "calls_total" not in done.stdout
    assert done.stderr.count("the metrics of this process are off") == 1


def test_threads_lose_no_updates() -> None:
    registry = Registry()
    counter, gauge, histogram = registry.counter(CALLS, "all"), registry.gauge(OPEN), registry.histogram(SIZE, "all")
    group = registry.counters(CALLS, [("one",), ("two",)])
    rounds = 50_000

    def count() -> None:
        for _ in range(rounds):
            counter.inc()
            gauge.inc(2)
            gauge.dec()
            histogram.observe(2.0)
            group.inc_each([0, 1, 1])

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
    figures = samples(registry)
    counted = [figures[f'calls_total{{who="{who}"}}'] for who in ("all", "one", "two")]
    assert counted == [4 * rounds, 4 * rounds, 8 * rounds]
    assert figures["calls_in_progress"] == 4 * rounds
    assert figures['size_bytes_bucket{who="all",le="2.5"}'] == 4 * rounds
    assert figures['size_bytes_sum{who="all"}'] == 8 * rounds


@given(st.lists(st.floats(0, 20, width=32), min_size=1), st.sampled_from([1, BULK]))
def test_observe_many_equals_observing_each(some: list[float], times: int) -> None:
    values = some * times
    registry = Registry()
    alone, together = registry.histogram(SIZE, "alone"), registry.histogram(SIZE, "together")
    for value in values:
        alone.observe(value)
    together.observe_many(np.array(values))
    figures = samples(registry)
    for bound in "1", "2.5", "10", "+Inf":
        assert len({figures[f'size_bytes_bucket{{who="{who}",le="{bound}"}}'] for who in ("alone", "together")}) == 1
    assert figures['size_bytes_sum{who="together"}'] == pytest.approx(np.sum(values), abs=1e-3)
    assert figures['size_bytes_bucket{who="alone",le="1"}'] == sum(bisect_left((1.0,), v) == 0 for v in values)
