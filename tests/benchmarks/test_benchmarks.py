"""The benchmarks run: that and no more, as no test asserts how fast something is; and a worker does not grow."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.known import REPOSITORY

LONGEST = 300
"""Seconds after which it hangs; it takes about 20."""
pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed (Debian: wrk)"),
]


def run(*arguments: str) -> str:
    """What a benchmark says, once it has ended well or found a target missed."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=REPOSITORY, capture_output=True, text=True, timeout=LONGEST
    )
    assert done.returncode in (0, 1) and "No report" not in done.stderr, done.stderr
    return done.stdout


def test_every_server_is_measured(tmp_path: Path) -> None:
    told = run("benchmarks", "--quick", "--json", str(tmp_path / "figures.json"))
    figures = json.loads((tmp_path / "figures.json").read_text())
    servers = {"ours", "reference", "tutorial", "raw"}
    assert set(figures["rounds"]) - {"mlserver", "litserve"} == servers
    assert all(figures["summary"][name]["requests_a_second"] > 0 for name in servers)
    assert set(figures["cpu_us_by_keys"]) == {"1", "100", "10000"}
    for target in figures["targets"]:
        assert target["what"] in told


def test_starts_are_compared_with_an_empty_app() -> None:
    told = run("benchmarks.starts", "--rounds", "1")
    assert "ours start_seconds" in told and "ours over empty" in told


def test_explained_predictions_are_served_beside_plain_ones() -> None:
    told = run("benchmarks.explained", "--rounds", "1", "--seconds", "1")
    assert "explained_a_second" in told and "p99 busy over idle" in told


def test_pictures_are_served_in_two_processes_and_put_together() -> None:
    core = str(min(os.sched_getaffinity(0)))
    told = run("benchmarks.pictures", "--rounds", "1", "--seconds", "1", "--model-core", core)
    assert "pictures_a_second" in told and "p99 busy over idle" in told


@pytest.mark.parametrize("requests", [20_000, pytest.param(1_000_000, marks=pytest.mark.nightly)])
def test_a_worker_hardly_grows(requests: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.soak", "--requests", str(requests)],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=10 * LONGEST,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
