"""Several workers on one port: a dead one is replaced, a restart loses no request, and the end leaves nothing."""

import os
import re
import shutil
import signal
import sys
from pathlib import Path

import pytest

from app.bundle.digests import SHA256SUMS, sums_text
from app.bundle.manifest import MODEL
from app.bundle.store import highest
from tests.committed import committed_models
from tests.known import KEY
from tests.live.callers import Callers
from tests.live.program import Program, Start, free_port, started_workers, until, worker_pids
from tests.live.raw import connect, post, read_until, send_and_read, statuses

TOLERANCE = 1.0
"""Tolerance for a busy machine, in seconds."""
READY = b"GET /health/ready HTTP/1.1\r\nHost: beer\r\n\r\n"


def counter_folders(temporary: Path) -> list[Path]:
    """Return the existing folders of shared counters."""
    return list(temporary.glob("beer-model-*"))


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """An empty folder for temporary files."""
    (tmp_path / "temporary").mkdir()
    return tmp_path / "temporary"


@pytest.fixture
def program(start: Start, temporary: Path) -> Program:
    """The program with two workers that are both ready."""
    program = start(API_KEY=KEY, PORT="0", WORKERS="2", TMPDIR=str(temporary))
    program.port()
    until(lambda: started_workers(program) == 2, "two workers")
    return program


@pytest.mark.alone
def test_a_killed_worker_is_replaced_within_two_seconds_and_only_its_own_requests_fail(program: Program) -> None:
    before = worker_pids(program)
    callers = Callers(program.port())
    victim = min(before)
    os.kill(victim, signal.SIGKILL)
    seconds = until(lambda: started_workers(program) == 3, "a third worker")
    answers = callers.stop()
    # The callers and the workers share two cores, possibly with other processes.
    assert seconds < 2.0 + TOLERANCE * max(1.0, os.getloadavg()[0] / 2), f"replaced after {seconds:.1f} s"
    assert len(worker_pids(program)) == 2 and victim not in worker_pids(program)
    failed = [answer for answer in answers if answer != [200]]
    assert len(failed) <= 4, "more than one request per caller failed"
    assert len(answers) > 20
    assert program.stop() == 0


def test_a_restart_of_the_workers_loses_no_request(program: Program) -> None:
    before = worker_pids(program)
    callers = Callers(program.port())
    program.process.send_signal(signal.SIGHUP)
    program.lines("every worker was replaced")
    answers = callers.stop()
    assert worker_pids(program).isdisjoint(before) and len(worker_pids(program)) == 2
    assert len(answers) > 20 and all(answer == [200] for answer in answers)
    assert program.stop() == 0


def test_a_bad_bundle_added_while_the_workers_run_is_not_loaded(start: Start, tmp_path: Path) -> None:
    shutil.copytree(committed_models(), tmp_path / "models")
    program = start(API_KEY=KEY, PORT="0", WORKERS="2", MODEL_URI=str(tmp_path / "models"))
    program.port()
    until(lambda: started_workers(program) == 2, "two workers")
    before = worker_pids(program)
    newest = highest(tmp_path / "models", "beer-ibu")
    files = {path.name: path.read_bytes() for path in newest.iterdir() if path.name != SHA256SUMS}
    files[MODEL] = files[MODEL][:-50]
    (newest / MODEL).write_bytes(files[MODEL])
    (newest / SHA256SUMS).write_text(sums_text(files), "ascii")
    program.process.send_signal(signal.SIGHUP)
    message = program.lines("the old workers keep running")[-1]["message"]
    assert "quarantine" in message and MODEL in message
    assert worker_pids(program) == before and statuses(send_and_read(program.port(), post())) == [200]
    assert program.stop() == 0


def test_on_sigterm_all_workers_end_and_running_requests_are_answered(program: Program, temporary: Path) -> None:
    workers = worker_pids(program)
    assert len(counter_folders(temporary)) == 1
    with connect(program.port()) as incomplete, connect(program.port()) as complete:
        incomplete.sendall(post()[:-5])
        complete.sendall(post())
        program.process.send_signal(signal.SIGTERM)
        assert statuses(read_until(complete)) == [200]
        assert program.exit_code() == 0
        assert statuses(read_until(incomplete)) == []
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
    assert counter_folders(temporary) == []


def test_workers_and_their_shared_counters_do_not_outlive_a_killed_parent(program: Program, temporary: Path) -> None:
    workers = worker_pids(program)
    program.process.kill()
    program.exit_code()
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), "all gone")
    assert counter_folders(temporary) == []


def test_a_start_removes_the_shared_counters_of_killed_programs_only(
    program: Program, start: Start, temporary: Path
) -> None:
    killed = start(API_KEY=KEY, PORT="0", WORKERS="2", TMPDIR=str(temporary))
    killed.port()
    assert len(counter_folders(temporary)) == 2
    for pid in (killed.process.pid, *worker_pids(killed)):
        os.kill(pid, signal.SIGKILL)
    killed.exit_code()
    assert len(counter_folders(temporary)) == 2
    start(API_KEY=KEY, PORT="0", WORKERS="2", TMPDIR=str(temporary)).port()
    assert len(counter_folders(temporary)) == 2, "two of the three programs are running"
    assert program.stop() == 0
    assert len(counter_folders(temporary)) == 1


def test_the_management_port_reports_that_the_workers_are_ready(start: Start) -> None:
    port = free_port()
    program = start(API_KEY=KEY, PORT="0", WORKERS="2", MANAGEMENT_PORT=str(port))
    program.port()
    assert statuses(send_and_read(port, READY)) == [200]
    assert program.stop() == 0


@pytest.mark.parametrize(
    ("settings", "code"),
    [({"API_KEY": "short"}, 2), ({"API_KEYS_FILE": "/nowhere"}, 2), ({"MODEL_URI": "/nowhere"}, 3)],
)
def test_the_parent_exits_on_a_configuration_error(
    start: Start, settings: dict[str, str], code: int, temporary: Path
) -> None:
    program = start(**{"API_KEY": KEY, "PORT": "0", "WORKERS": "2", "TMPDIR": str(temporary), **settings})
    assert program.exit_code() == code
    assert counter_folders(temporary) == []
    assert not re.search("running on", program.errors)


def test_the_workers_option_overrides_the_setting(start: Start) -> None:
    program = start(command=(sys.executable, "-m", "app", "--workers", "2"), API_KEY=KEY, PORT="0", WORKERS="1")
    program.port()
    assert len(worker_pids(program)) == 2
    assert KEY not in Path(f"/proc/{program.process.pid}/cmdline").read_text()
    assert program.stop() == 0
