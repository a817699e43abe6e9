"""The benchmarks run, and a worker's memory does not grow. No test asserts a speed."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.contenders import lacks
from tests.known import REPOSITORY

MAX_SECONDS = 300
"""Time limit of a benchmark, which takes about 20 seconds."""
pytestmark = [
    pytest.mark.live,
    pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed (Debian: wrk)"),
]


def run(*arguments: str) -> str:
    """Run a benchmark, which may miss its targets, and return its output."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=REPOSITORY, capture_output=True, text=True, timeout=MAX_SECONDS
    )
    assert done.returncode in (0, 1) and "No report" not in done.stderr, done.stderr
    return done.stdout


def test_all_servers_are_measured(tmp_path: Path) -> None:
    output = run("benchmarks", "--quick", "--json", str(tmp_path / "figures.json"))
    figures = json.loads((tmp_path / "figures.json").read_text())
    servers = {"ours", "reference", "tutorial", "raw"}
    assert set(figures["rounds"]) - {"mlserver", "litserve"} == servers
    assert all(figures["summary"][name]["requests_a_second"] > 0 for name in servers)
    assert set(figures["cpu_us_by_keys"]) == {"1", "100", "10000"}
    for target in figures["targets"]:
        assert target["name"] in output


def test_starts_are_compared_with_an_empty_app() -> None:
    output = run("benchmarks.starts", "--rounds", "1")
    assert "ours start_seconds" in output and "ours over empty" in output


def test_the_stages_of_a_request_are_measured() -> None:
    output = run("benchmarks.stages")
    for stage in ("domain API: predictor", "key", "schema: validate", "response written", "send: http.response.body"):
        assert f"  {stage}\n" in output


def test_plain_and_explained_predictions_are_measured_together() -> None:
    output = run("benchmarks.explained", "--rounds", "1", "--seconds", "1")
    assert "explained_a_second" in output and "p99 busy over idle" in output


def test_pictures_are_measured_with_a_model_server() -> None:
    core = str(min(os.sched_getaffinity(0)))
    output = run("benchmarks.pictures", "--rounds", "1", "--seconds", "1", "--model-core", core)
    assert "pictures_a_second" in output and "p99 busy over idle" in output


@pytest.mark.parametrize("requests", [20_000, pytest.param(1_000_000, marks=pytest.mark.nightly)])
def test_the_memory_of_a_worker_does_not_grow(requests: int) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.soak", "--requests", str(requests)],
        cwd=REPOSITORY, capture_output=True, text=True, timeout=10 * MAX_SECONDS,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        (None, "No such file"),
        ("raise ImportError('no such package')", "no such package"),
        ("raise SystemExit(3)", "exits with code 3 on import of mlserver"),
    ],
)
def test_a_peer_that_cannot_run_is_skipped_with_a_reason(tmp_path: Path, program: str | None, reason: str) -> None:
    peers = tmp_path / "python"
    if program is not None:
        peers.write_text(f"#!{sys.executable}\n{program}\n")
        peers.chmod(0o755)
    assert reason in lacks(str(peers), "mlserver")
