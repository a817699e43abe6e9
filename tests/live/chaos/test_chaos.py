"""Faults of the machine under load. After each, keys, swaps and metrics agree, and the program ends cleanly."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.bundle.store import Bundle
from tests.known import KEY
from tests.live.chaos.service import NAME, Service, answered, assert_consistent, is_answered, predict, ready
from tests.live.program import SERVE, Program, Start, environment, free_port, until, worker_pids
from tests.live.traffic import Traffic
from tests.live.wire import exchange, request

pytestmark = pytest.mark.nightly
HERE = Path(__file__).parent
FAULT_SECONDS = 10.0


def compiled(name: str, folder: Path) -> str:
    """Compile a library to preload, and return its path."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    library = folder / f"{name}.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-o", library, HERE / f"{name}.c", "-ldl"], check=True)
    return str(library)


@pytest.fixture
def service(tmp_path: Path, bundle: Bundle, models: Path) -> Service:
    """The folders of a service."""
    (tmp_path / "service").mkdir()
    return Service(tmp_path / "service", bundle, models)


@pytest.fixture
def faults(tmp_path: Path) -> dict[str, str]:
    """The environment that preloads the failing disk; its control file is ``control``."""
    (tmp_path / "control").write_text("-")
    return {"LD_PRELOAD": compiled("faults", tmp_path), "CHAOS_CONTROL": str(tmp_path / "control")}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", disk], capture_output=True)
    if mounted.returncode:
        pytest.skip("may not mount a file system")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def test_a_stopped_worker(start: Start, service: Service) -> None:
    """It is replaced; callers that the kernel gave to it fail or wait, no others."""
    program = start(**service.settings())
    ready(program)
    stopped = min(worker_pids(program))
    os.kill(stopped, signal.SIGSTOP)
    until(lambda: stopped not in worker_pids(program), "the replacement of the stopped worker")
    assert_consistent(service, program)
    assert program.stop() == 0


def test_a_full_disk(start: Start, small_disk: Path, bundle: Bundle, models: Path) -> None:
    """Nothing is half-written, running workers answer, and commands say why they fail."""
    service = Service(small_disk, bundle, models)
    program = start(**service.settings())
    ready(program)
    before = answered(program)
    filler = small_disk / "filler"
    with Traffic(program.port()) as traffic, filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            pass
        keys = (service.keys / "keys.json").read_bytes()
        created = service.run("keys", "create", "--name", "second")
        assert created.returncode != 0 and "Traceback" not in created.stderr
        assert created.stdout == "" and (service.keys / "keys.json").read_bytes() == keys
        assert "Traceback" not in service.run("models", "activate", NAME, "2").stderr
        os.kill(min(worker_pids(program)), signal.SIGKILL)  # the new worker starts on the full disk
        time.sleep(FAULT_SECONDS)
    assert len(traffic.failures) <= 2, traffic.failures[:5]  # the killed worker's calls
    assert len(traffic.seconds) <= answered(program) - before <= len(traffic.seconds) + len(traffic.failures)
    filler.unlink()
    assert service.run("models", "activate", NAME, "1").returncode == 0
    assert_consistent(service, program)
    assert program.stop() == 0


def test_a_full_pipe(service: Service) -> None:
    """Nobody reads the log; every call is answered, and SIGTERM ends the program."""
    port = free_port()
    process = subprocess.Popen(
        SERVE, cwd=service.folder, env=environment(**service.settings(PORT=str(port))), stderr=subprocess.PIPE
    )
    try:
        predict_request = request("GET", "/model", [("X-API-Key", KEY)])
        until(lambda: _answers(port, predict_request), "the program")
        with Traffic(port) as traffic:
            traffic.until(3_000)
        assert traffic.failures == []
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.communicate()


def test_clock_steps(start: Start, service: Service, tmp_path: Path) -> None:
    """The clock goes forward and back by an hour; limits of rates and wrong keys do not last longer for it."""
    clock = tmp_path / "clock"
    clock.write_text("0")
    program = start(
        **service.settings(LD_PRELOAD=compiled("clock", tmp_path), CHAOS_CLOCK=str(clock), RATE_LIMIT="1000000/minute")
    )
    ready(program)
    with Traffic(program.port()) as traffic:
        for step in ("3600", "-3600", "86400", "0"):
            clock.write_text(step)
            traffic.until(len(traffic.seconds) + 200)
            time.sleep(FAULT_SECONDS / 4)
    assert traffic.failures == []
    assert_consistent(service, program)
    assert program.stop() == 0


@pytest.mark.parametrize("broken", ["models", "keys"])
@pytest.mark.parametrize("fault", ["e", "s"], ids=["errors", "slow"])
def test_a_failing_disk(
    start: Start, service: Service, faults: dict[str, str], tmp_path: Path, broken: str, fault: str
) -> None:
    """Reads of the models' or the keys' folder fail, or take 3 s each. What is loaded goes on answering."""
    program = start(**service.settings(**faults, CHAOS_FOLDER=str(service.folder / broken)))
    ready(program)
    with Traffic(program.port()) as traffic:
        (tmp_path / "control").write_text(fault)
        time.sleep(FAULT_SECONDS)
        assert is_answered(program, KEY)
        (tmp_path / "control").write_text("-")
    assert traffic.failures == []
    assert_consistent(service, program)
    assert program.stop() == 0


def test_several_faults_in_a_row(start: Start, service: Service, faults: dict[str, str], tmp_path: Path) -> None:
    """A worker is killed while the models cannot be read: the others answer, and it is replaced later."""
    program: Program = start(**service.settings(**faults, CHAOS_FOLDER=str(service.models)))
    ready(program)
    (tmp_path / "control").write_text("e")
    os.kill(min(worker_pids(program)), signal.SIGKILL)
    time.sleep(FAULT_SECONDS)
    assert any(predict(program).status == 200 for _ in range(10))
    (tmp_path / "control").write_text("-")
    until(lambda: len(worker_pids(program)) == 2, "the new worker")
    time.sleep(FAULT_SECONDS / 2)
    assert_consistent(service, program)
    assert program.stop() == 0


def _answers(port: int, data: bytes) -> bool:
    try:
        return exchange(port, data).status == 200
    except OSError:
        return False
