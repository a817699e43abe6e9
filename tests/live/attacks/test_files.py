"""Files of rows that take far more memory or time than they have bytes, within the memory of the cloud function."""

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.batch.answers import MAX_ERROR_BYTES
from tests.committed import committed_models
from tests.known import BEER
from tests.live.program import environment
from tests.memory_limit import MemoryLimit

FUNCTION_BYTES = 1769 * 1024**2
"""Memory of the function for files, in serverless.yml."""
PROCESS = """
import sys, time
from app.aws_lambda.files import _answers
data = open(sys.argv[1], "rb").read()
end = time.monotonic() + float(sys.argv[2])
started = time.process_time()
try:
    answers = _answers._batch.answer(data, lambda: end - time.monotonic())
    print(answers.rows, answers.bad, len(answers.errors), len(answers.predictions), time.process_time() - started)
    print(answers.errors[-300:].decode())
except Exception as error:
    print(type(error).__name__, time.process_time() - started)
"""
TABLE = b"abv,target_og,target_fg\n"
EMPTY_MEMBER = gzip.compress(b"")
MEGABYTES = 63_999_000
FILES: dict[str, Callable[[], bytes]] = {
    "empty gzip members": lambda: EMPTY_MEMBER * (2_000_000 // len(EMPTY_MEMBER)),
    "gzip of empty lists": lambda: gzip.compress(b"[" + b"[]," * (MEGABYTES // 3) + b"1]"),
    "gzip of an object of lists": lambda: gzip.compress(b'{"a":[' + b"[]," * (MEGABYTES // 3) + b"1]}"),
    "gzip of a gigabyte": lambda: gzip.compress(bytes(10**9), 1),
    "bad rows of CSV": lambda: TABLE + b"x\n" * (MEGABYTES // 2),
    "empty lines": lambda: TABLE + b"\n" * MEGABYTES,
    "columns": lambda: b"," * MEGABYTES,
    "a row of quoted lines": lambda: TABLE + b'"a\n",' * (MEGABYTES // 5),
    "a quote that never ends": lambda: TABLE + b'"' + b"a\n" * (MEGABYTES // 2),
    "a wide character": lambda: TABLE + "\U0001f37a".encode() + b"a" * MEGABYTES,
    "a line of JSON": lambda: b'{"abv":"' + b"a" * MEGABYTES + b'"}',
    "concatenated objects": lambda: b"{}" * (MEGABYTES // 2),
    "an object of lists with line breaks": lambda: b'{\n"a":[' + b"[]," * (MEGABYTES // 3) + b"1]}",
    "small objects with line breaks": lambda: b"{\n}" * (MEGABYTES // 3),
    "UTF-16 that grows as UTF-8": lambda: ("abv\n" + "\u20ac" * (MEGABYTES // 2)).encode("utf-16"),
    "cells of lists": lambda: (
        TABLE.replace(b"\n", b"\thops\n").replace(b",", b"\t")
        + (b"5\t1050\t1010\t[" + b"[]," * 43_000 + b"1]\n") * (MEGABYTES // 129_030)
    ),
    "ids of lists": lambda: (b'{"id":[' + b"[]," * 330_000 + b"1]}\n") * (MEGABYTES // 990_020),
    "numbered columns": lambda: (
        TABLE.strip()
        + b"".join(b",hop%d_name,hop%d_amount_g" % (n, n) for n in range(1, 51))
        + b"\n"
        + (b"5,1050,1010" + b",a,1" * 50 + b"\n") * (MEGABYTES // 212 - 10)
    ),
    "beers": lambda: (json.dumps(BEER).encode() + b"\n") * (MEGABYTES // 120),
    "short beers": lambda: b'{"abv":5,"target_og":1050,"target_fg":1010}\n' * (MEGABYTES // 45),
}
REJECTED = {
    "empty gzip members": "too_many_members",
    "gzip of empty lists": "too_complex",
    "gzip of an object of lists": "too_complex",
    "gzip of a gigabyte": "too_large",
    "an object of lists with line breaks": "too_complex",
    "concatenated objects": "too_complex",
    "UTF-16 that grows as UTF-8": "too_large",
}


def process(path: Path, seconds: float) -> tuple[list[str], str, int]:
    """Process a file as the function does; return the figures, the last errors, and the peak memory in bytes."""
    with MemoryLimit(FUNCTION_BYTES) as memory:
        completed = subprocess.run(
            [sys.executable, "-c", PROCESS, path, str(seconds)],
            cwd=path.parent,
            env=environment(MODEL_URI=str(committed_models())),
            capture_output=True,
            text=True,
            preexec_fn=memory.enter,
        )
        assert not memory.killed and completed.returncode == 0, completed.stderr[-500:]
        figures, _, errors = completed.stdout.partition("\n")
        return figures.split(), errors, memory.peak


@pytest.mark.parametrize("name", REJECTED)
def test_a_file_that_would_take_too_much_is_rejected(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(FILES[name]())
    figures, errors, peak = process(tmp_path / "file", 60)
    print(f"{name}: {figures}, peak {peak / 1e6:.0f} MB")
    assert REJECTED[name] in errors and figures[3] == "0"


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.nightly) for name in FILES.keys() - REJECTED.keys()]
)
def test_a_file_of_unusual_rows_ends_within_memory_and_time(name: str, tmp_path: Path) -> None:
    """The time is far less than the function's 300 s, or the function stops when it is over."""
    (tmp_path / "file").write_bytes(FILES[name]())
    figures, errors, peak = process(tmp_path / "file", 100)
    print(f"{name}: {figures}, {errors[-120:]!r}, peak {peak / 1e6:.0f} MB")
    assert figures[0] == "TooLate" or int(figures[2]) < MAX_ERROR_BYTES + 1_000_000


@pytest.mark.alone
@pytest.mark.parametrize("name", ["empty lines", "bad rows of CSV"])
def test_the_clock_is_looked_at_while_a_file_is_read(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(FILES[name]())
    figures, _, _ = process(tmp_path / "file", 0.2)
    assert figures[0] == "TooLate" and float(figures[1]) < 3.0


def test_errors_beyond_the_limit_are_counted(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(TABLE + b"x,1,1\n" * 150_000)
    figures, errors, _ = process(tmp_path / "file", 100)
    assert figures[:2] == ["150000", "150000"]
    assert int(figures[2]) < MAX_ERROR_BYTES + 1_000
    listed = 150_000 - int(errors.rpartition("has ")[2].split()[0])
    assert errors.count("too_many_errors") == 1 and listed > 50_000
