"""``python -m benchmarks.score``: rows a second and memory of ``python -m app score``, and of what else people use.

Writes files of random beers with vital figures, and scores them: with one process, with Dask's processes, with pandas
and XGBoost's own predict, and with MLflow's pyfunc where it is installed (``--peer-python`` names a Python that has
mlflow-skinny, pandas, pyarrow and xgboost-cpu). The peers' boosters have as many trees as deep as ``beer-ibu``'s;
they write bitterness and interval, without warnings, checks and rounding. Rows a second are those between the smallest
and the largest file, so that no start counts. Prints Markdown; docs/score.md has it.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow
from pyarrow import csv, parquet

from benchmarks.report import machine
from tests.live.program import environment

FEW = 10_000
CHUNK = 100_000
PEERS = Path(__file__).with_name("score_peers.py")


@dataclass(frozen=True, slots=True)
class Cost:
    """What a run took."""

    wall: float
    """Seconds."""
    cpu: float
    """Seconds of processor time, of the process and those that it started."""
    peak: float
    """Peak of resident memory of the largest process, MB."""


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.score", description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[FEW, 1_000_000, 10_000_000])
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--peer-python", default=sys.executable, help="a Python with mlflow-skinny")
    parser.add_argument("--peer-rows", type=int, default=5_000_000)
    parser.add_argument("--folder", type=Path, help="where the files go (default: a temporary folder)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="score-") as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        sizes = sorted({FEW, *arguments.rows, arguments.peer_rows})
        files = {size: {kind: beers_file(folder, size, kind) for kind in ("csv", "parquet")} for size in sizes}
        described = machine()
        print(f"{described['cpu']}, {described['cores']} cores, Python {described['python']}\n")
        _memory(folder, files, sorted({FEW, *arguments.rows}))
        _rates(folder, files, arguments)
    return 0


def _memory(folder: Path, files: dict[int, dict[str, Path]], sizes: list[int]) -> None:
    print("| rows | file | seconds | processor, s | memory, MB |\n|---:|---|---:|---:|---:|")
    for size in sizes:
        for kind, path in files[size].items():
            cost = run(score_command(path, folder / "out"), folder)
            print(f"| {size:,} | {kind} | {cost.wall:.1f} | {cost.cpu:.1f} | {cost.peak:.0f} |", flush=True)


def _rates(folder: Path, files: dict[int, dict[str, Path]], arguments: argparse.Namespace) -> None:
    size = arguments.peer_rows
    print("\n| | file | rows a second | rows a second of processor time |\n|---|---|---:|---:|")
    contenders = {"one process": [], **{f"`--workers {n}`": ["--workers", str(n)] for n in arguments.workers}}
    for kind in "csv", "parquet":
        few, many = str(files[FEW][kind]), str(files[size][kind])
        for name, options in contenders.items():
            _line(
                name, kind, size, [score_command(Path(path), folder / "out", *options) for path in (few, many)], folder
            )
        for name, mode, python in (
            ("pandas, XGBoost", "xgboost", sys.executable),
            ("MLflow pyfunc", "mlflow", arguments.peer_python),
        ):
            commands = [[python, str(PEERS), mode, path, str(folder / "peer")] for path in (few, many)]
            if subprocess.run([python, str(PEERS), mode, "--check", "-"], capture_output=True).returncode:
                print(f"| {name} | {kind} | not installed | |")
                continue
            subprocess.run([python, str(PEERS), mode, "--train", str(folder / "peer")], check=True, capture_output=True)
            _line(name, kind, size, commands, folder)


def _line(name: str, kind: str, size: int, commands: list[list[str]], folder: Path) -> None:
    few, many = (run(command, folder) for command in commands)
    rows = size - FEW
    wall, cpu = rows / max(many.wall - few.wall, 1e-9), rows / max(many.cpu - few.cpu, 1e-9)
    print(f"| {name} | {kind} | {wall:,.0f} | {cpu:,.0f} |", flush=True)


def score_command(path: Path, out: Path, *options: str) -> list[str]:
    """Return the command that scores a file."""
    return [sys.executable, "-m", "app", "score", str(path), "--out", str(out), *options]


def run(command: list[str], folder: Path) -> Cost:
    """Run a command in a folder, and delete its ``out`` first.

    Raises:
        SystemExit: If the command fails.
    """
    subprocess.run(["rm", "-rf", str(folder / "out")], check=True)
    begun = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment(OMP_NUM_THREADS="1", MLFLOW_LOGGING_LEVEL="ERROR"),
        stdout=subprocess.DEVNULL,
        stderr=sys.stderr,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}")
    return Cost(time.monotonic() - begun, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6)


def beers_file(folder: Path, size: int, kind: str) -> Path:
    """Write a file of random beers, if it is not there yet.

    Args:
        folder: Where it goes.
        size: Number of rows.
        kind: ``csv`` or ``parquet``.
    """
    path = folder / f"beers-{size}.{kind}"
    if path.exists():
        return path
    random = np.random.default_rng(7)
    writer = None
    for start in range(0, size, CHUNK):
        count = min(CHUNK, size - start)
        fg = np.round(random.uniform(1004, 1020, count))
        og = np.round(fg + random.uniform(20, 70, count))
        table = pyarrow.table(
            {
                "id": [f"b{number}" for number in range(start, start + count)],
                "abv": np.round((og - fg) * 0.13125, 1),
                "target_og": og,
                "target_fg": fg,
                "ebc": np.round(random.uniform(4, 60, count)),
                "ph": np.round(random.uniform(4.2, 4.6, count), 1),
            }
        )
        writer = writer or (csv.CSVWriter if kind == "csv" else parquet.ParquetWriter)(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()
    return path


if __name__ == "__main__":
    sys.exit(main())
