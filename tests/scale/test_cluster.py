"""Parts are answered by the processes of a Dask cluster, with the bytes of a single process, whoever dies meanwhile."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.errors import ScoringError
from app.scoring import plan
from app.scoring.scorer import LoadedScorer
from tests.known import REPOSITORY
from tests.live.program import PATIENCE, environment
from tests.scale.jobs import Quiet, contents, manifest, score

pytest.importorskip("distributed", reason="distributed is not installed (requirements/scale.txt)")

ROWS = 60_000
PART_BYTES = 2_000_000
SCORE = f"from app.scoring import plan; plan.PART_BYTES = {PART_BYTES}; from app.cli.main import main; main()"
HEADER = "id,abv,target_og,target_fg,ebc,ph,hop1_name,hop1_amount_g,hop1_boil_minutes\n"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of several parts, some of whose rows have hops, which take their time."""
    path = tmp_path_factory.mktemp("in") / "beers.csv"
    with path.open("w") as file:
        file.write(HEADER)
        for n in range(ROWS):
            hops = "Magnum,20,60" if n % 20 == 0 else ",,"
            padding = "x" * 150
            file.write(f"b{n}{padding},{4 + n % 50 / 10},{1040 + n % 30},{1010 + n % 7},{n % 60},4.4,{hops}\n")
    return path


@pytest.fixture(scope="module")
def expected(source: Path, beers: LoadedScorer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What a single process writes."""
    out = tmp_path_factory.mktemp("out")
    with pytest.MonkeyPatch.context() as context:
        context.setattr(plan, "PART_BYTES", PART_BYTES)
        score(beers, [source], out, format="parquet")
    assert len(manifest(out)["sources"][0]["parts"]) >= 3
    return contents(out)


def run(source: Path, out: Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", SCORE, "score", str(source), "--out", str(out), *arguments],
        cwd=out.parent,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=300,
    )
    return done.returncode, done.stdout + done.stderr


def test_processes_of_this_machine_write_what_one_writes(
    source: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    code, output = run(source, tmp_path / "out", "--workers", "2")
    assert code == 0, output
    assert contents(tmp_path / "out") == expected


class Started:
    """A program of Dask, started by its own command."""

    def __init__(self, folder: Path, *command: str, **settings: str) -> None:
        self.log = folder / f"{command[0]}-{time.monotonic_ns()}.log"
        with self.log.open("w") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "dask", *command],
                cwd=folder,
                env=environment(**settings),
                stdout=file,
                stderr=file,
                start_new_session=True,
            )

    def wait_for(self, pattern: str) -> re.Match[str]:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = re.search(pattern, self.log.read_text())
            if found:
                return found
            time.sleep(0.05)
        raise AssertionError(self.log.read_text())

    def kill(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[tuple[str, list[Started]]]:
    """The address of a scheduler, and its two workers."""
    scheduler = Started(tmp_path, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    started = [scheduler]
    try:
        address = scheduler.wait_for(r"tcp://127\.0\.0\.1:\d+")[0]
        for _ in range(2):
            started.append(worker(tmp_path, address))
        yield address, started
    finally:
        for each in reversed(started):
            each.kill()


def worker(folder: Path, address: str, **settings: str) -> Started:
    arguments = ("--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(folder))
    started = Started(folder, "worker", address, *arguments, **settings)
    started.wait_for("Registered to")
    return started


def test_a_worker_that_dies_costs_only_its_part(
    source: Path, expected: dict[str, bytes], tmp_path: Path, scheduler: tuple[str, list[Started]]
) -> None:
    address, started = scheduler
    out = tmp_path / "out"
    killed: list[str] = []
    done = threading.Event()

    def kill() -> None:
        """Kill a worker once the first part is done, while it is at another one."""
        while not done.is_set():
            unfinished = list(out.glob(f"predictions/.*.{started[1].process.pid}-*.part"))
            if unfinished and list(out.glob("_receipts/*-0*.json")):
                started[1].kill()
                killed.append(unfinished[0].name)
                return
            time.sleep(0.005)

    thread = threading.Thread(target=kill)
    thread.start()
    code, output = run(source, out, "--scheduler", address)
    done.set()
    thread.join()
    assert code == 0, output
    assert killed
    assert contents(out) == expected


def test_a_worker_with_other_models_answers_nothing(
    source: Path, tmp_path: Path, scheduler: tuple[str, list[Started]]
) -> None:
    address, started = scheduler
    for each in started[1:]:
        each.kill()
    started.append(worker(tmp_path, address, MODEL_URI=str(REPOSITORY / "models-of-another")))
    code, output = run(source, tmp_path / "out", "--scheduler", address)
    assert code == 2
    assert "on a worker" in output and "Traceback" not in output
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_a_scheduler_that_dies_is_named_and_what_is_done_is_kept(
    source: Path,
    beers: LoadedScorer,
    tmp_path: Path,
    scheduler: tuple[str, list[Started]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from app.scoring import cluster

    address, started = scheduler
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 4)  # in which it does not come back
    monkeypatch.setattr(plan, "PART_BYTES", PART_BYTES)

    class Killing(Quiet):
        def answered(self, rows: int) -> None:
            super().answered(rows)
            started[0].kill()

    watch = Killing()
    with pytest.raises(ScoringError, match=f"the connection to {address} was lost"):
        score(beers, [source], tmp_path / "out", format="parquet", engine=cluster.on_cluster(address), watch=watch)
    assert 0 < watch.rows < watch.total
    assert list(tmp_path.glob("out/_receipts/*-0*.json")) and not (tmp_path / "out" / "manifest.json").exists()


def test_a_scheduler_that_does_not_answer_is_named(
    tmp_path: Path, beers: LoadedScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.scoring import cluster

    (tmp_path / "beers.csv").write_text(f"{HEADER}b1,5,1050,1010,,,,,\n")
    monkeypatch.setattr(cluster, "CONNECT_SECONDS", 0.5)
    for address in "tcp://127.0.0.1:9", "elsewhere":
        with pytest.raises(ScoringError, match=f"{address} does not answer"):
            score(beers, [tmp_path / "beers.csv"], tmp_path / "out", engine=cluster.on_cluster(address))


def test_machines_without_the_program_are_told_how_to_start(source: Path, tmp_path: Path) -> None:
    dask = Started(tmp_path, "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", PYTHONPATH="")
    try:
        address = dask.wait_for(r"tcp://127\.0\.0\.1:\d+")[0]
        one = worker(tmp_path, address, PYTHONPATH="")
        try:
            code, output = run(source, tmp_path / "out", "--scheduler", address)
        finally:
            one.kill()
    finally:
        dask.kill()
    assert code == 2
    assert "No module named 'app'" in output and "python -m dask worker" in output and "Traceback" not in output
