"""What befalls workers from outside: a full file system, a suspended process, and signals at any time."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from tests.known import KEY
from tests.live.callers import Callers
from tests.live.program import Program, Start, started_workers, until, worker_pids
from tests.live.raw import post, send_and_read, statuses
from tests.live.wire import request


@pytest.fixture
def start_workers(start: Start) -> Callable[..., Program]:
    """A function that starts the program with two workers, and waits until both serve."""

    def start_workers(**settings: object) -> Program:
        program = start(**{"API_KEY": KEY, "PORT": "0", "WORKERS": "2", **settings})
        program.port()
        until(lambda: started_workers(program) == 2, "two workers")
        return program

    return start_workers


@pytest.fixture
def tiny(tmp_path: Path) -> Iterator[Path]:
    """An empty file system in memory with room for 128 KB."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    mount = shutil.which("mount")
    options = ["-t", "tmpfs", "-o", "size=128k", "tmpfs", str(folder)]
    if not mount or subprocess.run([mount, *options], capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def metrics(program: Program) -> str:
    """Return the metrics that some worker reports."""
    return program.send(request("GET", "/metrics", [("X-API-Key", KEY)])).body.decode()


def handles_sigterm(pid: int) -> bool:
    """Return whether a process has set a handler for SIGTERM, which Python itself does not."""
    caught = Path(f"/proc/{pid}/status").read_text().partition("SigCgt:")[2].split()[0]
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


def answers(program: Program, count: int) -> list[list[int]]:
    """Return the statuses of predictions in turn, each on its own connection."""
    return [statuses(send_and_read(program.port(), post())) for _ in range(count)]


def test_a_full_folder_for_temporary_files_turns_the_metrics_off(
    start_workers: Callable[..., Program], tiny: Path
) -> None:
    program = start_workers(TMPDIR=str(tiny))
    before = worker_pids(program)
    assert answers(program, 150) == [[200]] * 150
    assert worker_pids(program) == before, "no worker has ended"
    assert "metrics_off 1" in metrics(program) and "http_requests_total" not in metrics(program)
    assert program.errors.count("the metrics of this process are off") == 3, "once in each process"
    assert program.stop() == 0
    assert not list(tiny.glob("beer-model-*"))


def test_a_folder_that_fills_up_later_ends_no_worker(start_workers: Callable[..., Program], tiny: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=2m", str(tiny)], check=True)
    program = start_workers(TMPDIR=str(tiny))
    with suppress(OSError), (tiny / "filler").open("wb", 0) as filler:
        while True:
            filler.write(bytes(4096))
    victim = min(worker_pids(program))
    os.kill(victim, signal.SIGKILL)
    until(lambda: started_workers(program) == 3, "the successor, which takes over the file")
    assert answers(program, 150) == [[200]] * 150
    assert "metrics_off 0" in metrics(program) and "http_requests_total" in metrics(program)
    assert program.errors.count("ended with") == 1
    assert program.stop() == 0


def test_workers_without_a_folder_for_temporary_files_serve(start: Start, tmp_path: Path) -> None:
    """As in a container whose file system is read-only."""
    code = (
        "import sys, tempfile\n"
        "def refuse(**_): raise OSError(30, 'Read-only file system')\n"
        "tempfile.mkdtemp = refuse\n"
        "sys.argv = ['app']\n"
        "from app.cli.main import main\n"
        "main()\n"
    )
    program = start(command=(sys.executable, "-c", code), API_KEY=KEY, PORT="0", WORKERS="2")
    program.port()
    until(lambda: started_workers(program) == 2, "two workers")
    assert answers(program, 20) == [[200]] * 20
    assert "metrics_off 1" in metrics(program)
    assert program.errors.count("metrics of the workers are off") == 1
    assert program.stop() == 0


def test_a_removed_folder_of_metrics_does_no_harm(start_workers: Callable[..., Program], tmp_path: Path) -> None:
    program = start_workers(TMPDIR=str(tmp_path))
    for folder in tmp_path.glob("beer-model-*"):
        shutil.rmtree(folder)
    assert answers(program, 20) == [[200]] * 20
    os.kill(min(worker_pids(program)), signal.SIGKILL)
    until(lambda: started_workers(program) == 3, "a successor")
    assert answers(program, 20) == [[200]] * 20
    assert "http_requests_total" in metrics(program)
    assert program.stop() == 0


@pytest.mark.alone
def test_a_suspended_worker_is_replaced(start_workers: Callable[..., Program]) -> None:
    program = start_workers()
    victim = min(worker_pids(program))
    callers = Callers(program.port(), count=2)
    os.kill(victim, signal.SIGSTOP)
    seconds = until(lambda: started_workers(program) == 3, "a successor")
    lost = [answer for answer in callers.stop() if answer != [200]]
    print(f"replaced after {seconds:.1f} s; {len(lost)} calls lost")
    assert 8.0 < seconds < 20.0
    assert len(lost) <= 2, "more than the calls that the worker had accepted"
    assert victim not in worker_pids(program)
    assert 'worker_replacements_total{reason="stalled"} 1' in metrics(program)
    assert f"worker {victim} has not reacted" in program.errors
    assert program.stop() == 0


def test_a_restart_ends_although_a_worker_is_suspended(start_workers: Callable[..., Program]) -> None:
    program = start_workers(SHUTDOWN_GRACE="1")
    before = worker_pids(program)
    os.kill(min(before), signal.SIGSTOP)
    program.process.send_signal(signal.SIGHUP)
    program.lines("every worker was replaced")
    until(lambda: worker_pids(program).isdisjoint(before) and len(worker_pids(program)) == 2, "two new workers")
    assert answers(program, 10) == [[200]] * 10
    assert program.stop() == 0


@pytest.mark.nightly
def test_a_shutdown_ends_although_a_worker_is_suspended(start_workers: Callable[..., Program]) -> None:
    program = start_workers(SHUTDOWN_GRACE="1")
    pids = worker_pids(program)
    os.kill(min(pids), signal.SIGSTOP)
    started = time.monotonic()
    assert program.stop() == 0
    assert time.monotonic() - started < 6.0
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)


@pytest.mark.nightly
def test_a_pause_of_all_processes_replaces_no_worker(start_workers: Callable[..., Program]) -> None:
    """As by ``docker pause``, or on a laptop that was closed."""
    program = start_workers()
    pids = worker_pids(program)
    everyone = (program.process.pid, *pids)
    for pid in everyone:
        os.kill(pid, signal.SIGSTOP)
    time.sleep(12)
    for pid in everyone:
        os.kill(pid, signal.SIGCONT)
    time.sleep(2.5)
    assert worker_pids(program) == pids
    assert answers(program, 10) == [[200]] * 10
    assert program.stop() == 0


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_at_any_time_of_the_start_is_in_good_order(
    start: Start, workers: str, number: signal.Signals, tmp_path: Path
) -> None:
    for delay in (0.0, 0.1, 0.3, 0.6, 1.0, 1.5):
        program = start(API_KEY=KEY, PORT="0", WORKERS=workers, TMPDIR=str(tmp_path), first=os.setsid)
        until(partial(handles_sigterm, program.process.pid), "the first line of the program")
        time.sleep(delay)
        os.killpg(program.process.pid, number)
        assert program.exit_code() == 0, f"after {delay} s:\n{program.errors}"
        assert "Traceback" not in program.errors and "Exception ignored" not in program.errors
        assert not list(tmp_path.glob("beer-model-*"))
        with pytest.raises(ProcessLookupError):
            os.killpg(program.process.pid, 0)


def test_a_second_signal_does_not_disturb_the_end(start_workers: Callable[..., Program]) -> None:
    program = start_workers()
    for _ in range(30):
        with suppress(ProcessLookupError):
            program.process.send_signal(signal.SIGTERM)
        time.sleep(0.02)
    assert program.exit_code() == 0
    assert "Traceback" not in program.errors


def test_other_signals_do_not_end_the_program(start: Start) -> None:
    program = start(API_KEY=KEY, PORT="0")
    program.port()
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE):
        program.process.send_signal(number)
    program.lines("SIGHUP ignored")
    assert answers(program, 1) == [[200]]
    assert program.stop() == 0


def test_other_signals_do_not_end_a_worker(start_workers: Callable[..., Program]) -> None:
    program = start_workers()
    pids = worker_pids(program)
    for pid in pids:
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE):
            os.kill(pid, number)
    for number in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGPIPE):
        program.process.send_signal(number)
    assert answers(program, 10) == [[200]] * 10
    assert worker_pids(program) == pids
    assert program.stop() == 0
