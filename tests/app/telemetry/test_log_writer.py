"""The log writer: every line in order while somebody reads, and no waiting when nobody does."""

import fcntl
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from app.telemetry.exposition import exposition
from app.telemetry.log_writer import LogWriter
from app.telemetry.metrics import Registry
from tests.known import REPOSITORY


class Pipe:
    """A pipe with room for 4 KB, which a log writer fills."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()
        fcntl.fcntl(self.writing, fcntl.F_SETPIPE_SZ, 4096)

    def read(self, end: bytes) -> bytes:
        """Read up to a text."""
        data = b""
        while not data.endswith(end):
            data += os.read(self.reading, 65536)
        return data

    def close(self) -> None:
        """Close both ends."""
        for descriptor in self.reading, self.writing:
            with suppress(OSError):
                os.close(descriptor)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """A pipe."""
    pipe = Pipe()
    yield pipe
    pipe.close()


def _dropped(metrics: Registry) -> int:
    lines = exposition(metrics).decode().splitlines()
    return next(int(line.split(" ")[1]) for line in lines if line.startswith("log_lines_dropped_total "))


def _until(metrics: Registry, dropped: int) -> None:
    deadline = time.monotonic() + 10
    while _dropped(metrics) < dropped:
        assert time.monotonic() < deadline, _dropped(metrics)
        time.sleep(0.01)


def test_lines_of_several_threads_arrive_complete_and_in_order(pipe: Pipe) -> None:
    writer = LogWriter(pipe.writing)
    writer.start()

    def write(name: int) -> None:
        for number in range(500):
            writer.write(f"{name} {number} é\n")

    threads = [threading.Thread(target=write, args=(name,)) for name in range(3)]
    for thread in threads:
        thread.start()
    data = b""
    while data.count(b"\n") < 1500:
        data += os.read(pipe.reading, 65536)
    lines = [line.split(" ") for line in data.decode().splitlines()]
    for name in range(3):
        assert [int(number) for of, number, _ in lines if of == str(name)] == list(range(500))


def test_a_line_arrives_promptly(pipe: Pipe) -> None:
    writer = LogWriter(pipe.writing)
    writer.start()
    for _ in range(3):
        started = time.monotonic()
        print("hello", file=writer)
        assert pipe.read(b"\n") == b"hello\n"
        assert time.monotonic() - started < 1
        time.sleep(0.02)


def test_an_unread_pipe_delays_nobody_and_the_loss_is_counted_and_reported(pipe: Pipe) -> None:
    metrics, writer = Registry(), LogWriter(pipe.writing, max_characters=10_000)
    writer.count_in(metrics)
    writer.start()
    started = time.monotonic()
    for number in range(1000):
        writer.write(f"{number:>99}\n")
    writer.finish(0.2)
    assert time.monotonic() - started < 5
    lost = _dropped(metrics)
    assert 1000 - (10_000 + 4096) / 100 - 1 <= lost < 1000
    kept, reported = [], 0  # the loss may be reported in parts: what was lost before a batch, and while it was written
    while reported < lost:
        for line in pipe.read(b"\n").decode().splitlines():
            if line.startswith("{"):
                notice = json.loads(line)
                assert notice["level"] == "warning"
                assert notice["message"].endswith("log lines were lost: stderr was closed, full or not read")
                reported += int(notice["message"].split(" ")[0])
            else:
                kept.append(int(line))
    assert reported == lost and kept == list(range(1000 - lost))
    writer.finish(10)
    writer.write("after\n")
    assert pipe.read(b"\n") == b"after\n"


def test_the_number_of_texts_is_bounded(pipe: Pipe) -> None:
    metrics, writer = Registry(), LogWriter(pipe.writing, max_texts=10)
    writer.count_in(metrics)
    for _ in range(25):
        writer.write("x\n")
    assert _dropped(metrics) == 15


def test_a_descriptor_that_cannot_be_written_loses_lines_until_it_can(pipe: Pipe) -> None:
    metrics = Registry()
    descriptor = os.open("/dev/full", os.O_WRONLY)
    writer = LogWriter(descriptor)
    writer.write("early\n")
    writer.start()
    writer.finish()
    writer.count_in(metrics)
    assert _dropped(metrics) == 1
    writer.write("lost\nlost, too\n")
    _until(metrics, 3)
    os.dup2(pipe.writing, descriptor)
    writer.write("there\n")
    notice, line = pipe.read(b"there\n").decode().splitlines()
    assert json.loads(notice)["message"].startswith("3 log lines were lost") and line == "there"
    os.close(descriptor)


def test_without_a_reader_lines_are_counted(pipe: Pipe) -> None:
    metrics, writer = Registry(), LogWriter(pipe.writing)
    writer.count_in(metrics)
    writer.start()
    os.close(pipe.reading)
    writer.write("one\ntwo\n")
    _until(metrics, 2)


def test_a_pipe_that_others_made_non_blocking_loses_nothing(pipe: Pipe) -> None:
    os.set_blocking(pipe.writing, False)
    writer = LogWriter(pipe.writing)
    writer.start()
    text = "".join(f"{number}\n" for number in range(5000))
    writer.write(text)
    time.sleep(0.1)
    assert pipe.read(b"4999\n").decode() == text


def test_a_handler_of_logging_never_waits(pipe: Pipe) -> None:
    writer = LogWriter(pipe.writing)
    writer.start()
    logger = logging.Logger("test")
    logger.addHandler(logging.StreamHandler(writer))
    started = time.monotonic()
    for _ in range(1000):
        logger.error("x" * 99)
    assert time.monotonic() - started < 5


def _run(code: str) -> subprocess.CompletedProcess[str]:
    program = f"import sys, os\nfrom app.telemetry.log_writer import *\ninstall_log_writer()\n{code}"
    return subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, timeout=30)


def test_the_last_lines_and_the_traceback_are_written_at_the_exit() -> None:
    done = _run("print('last', file=sys.stderr)\nraise RuntimeError('end')")
    assert done.returncode == 1
    assert done.stderr.startswith("last\nTraceback") and done.stderr.endswith("RuntimeError: end\n")


def test_a_forked_process_writes_as_well() -> None:
    done = _run(
        "print('parent', file=sys.stderr)\nfinish_log()\nif os.fork() == 0:\n    print('child', file=sys.stderr)\n"
        "else:\n    os.wait()"
    )
    assert done.returncode == 0 and done.stderr.splitlines() == ["parent", "child"]


def test_the_exit_waits_for_an_unread_pipe_only_a_second(pipe: Pipe) -> None:
    code = (
        "import sys\nfrom app.telemetry.log_writer import *\ninstall_log_writer()\n"
        "print('x' * 100_000, file=sys.stderr)\nprint('done')"
    )
    started = time.monotonic()
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=pipe.writing, timeout=30)
    assert (done.returncode, done.stdout) == (0, b"done\n")
    assert 0.9 < time.monotonic() - started < 5


def test_closed_standard_descriptors_are_not_given_to_files() -> None:
    code = (
        "import os, sys\nfrom app.telemetry.log_writer import *\nkeep_standard_descriptors()\n"
        "print(os.open('/', os.O_RDONLY) > 2, os.get_inheritable(2))"
    )

    def close() -> None:
        os.close(0)
        os.close(2)

    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=REPOSITORY, stdout=subprocess.PIPE, preexec_fn=close)
    assert (done.returncode, done.stdout) == (0, b"True True\n")
