"""Measure the phases of the HTTP function's cold start: imports, models, first response; in fresh processes."""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import zipfile
from pathlib import Path

PHASES = ("imports", "models", "first response", "second response")
CHILD = """
import json, sys, time
event = json.load(sys.stdin)
now = lambda: (time.perf_counter(), time.process_time())
marks = [now()]
import mangum, app.startup
marks.append(now())
from app.aws_lambda.http import handler
marks.append(now())
class Context:
    def get_remaining_time_in_millis(self):
        return 30000
for _ in range(2):
    assert handler(event, Context())["statusCode"] == 200
    marks.append(now())
print(json.dumps([[b - a for a, b in zip(*pair)] for pair in zip(marks, marks[1:])]))
"""
KEY = "a-key-for-the-benchmark"
EVENT = {
    "version": "2.0",
    "routeKey": "$default",
    "rawPath": "/predict",
    "rawQueryString": "",
    "headers": {"host": "beer", "x-api-key": KEY},
    "requestContext": {
        "http": {"method": "POST", "path": "/predict", "sourceIp": "192.0.2.1", "protocol": "HTTP/1.1"},
        "stage": "$default",
    },
    "body": '{"abv": 5.6, "target_og": 1056, "target_fg": 1013}',
    "isBase64Encoded": False,
}


def measure(code: Path, python: str, runs: int) -> dict[str, list[tuple[float, float]]]:
    """Start the function in fresh processes.

    Args:
        code: The unpacked zip.
        python: The interpreter.
        runs: Number of processes. An additional one before them fills the disk cache.

    Returns:
        By phase: wall-clock and processor time in seconds, one pair per run.
    """
    environment = {
        "PATH": os.environ["PATH"],
        "API_KEY": KEY,
        "DOCS_ENABLED": "false",
        "LOG_LEVEL": "ERROR",
        "MODEL_URI": str(code / "models"),
    }
    taken: list[list[tuple[float, float]]] = []
    for _ in range(runs + 1):
        done = subprocess.run(
            [python, "-B", "-c", CHILD],
            input=json.dumps(EVENT),
            cwd=code,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        taken.append(json.loads(done.stdout))
    return {phase: list(column) for phase, column in zip(PHASES, zip(*taken[1:], strict=True), strict=True)}


def main() -> None:
    """Print the median duration of each phase in milliseconds."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cold_start", description=__doc__)
    parser.add_argument("--zip", type=Path, required=True, help="from scripts/build_function.sh")
    parser.add_argument("--python", default="python3.12", help="a Python of the function's version")
    parser.add_argument("--runs", type=int, default=9)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(arguments.zip) as archive:
            archive.extractall(folder)
        phases = measure(Path(folder), arguments.python, arguments.runs)
    print("| phase | wall-clock time, ms | processor time, ms |\n|---|---:|---:|")
    for phase, pairs in phases.items():
        clock, processor = (statistics.median(column) * 1000 for column in zip(*pairs, strict=True))
        print(f"| {phase} | {clock:.1f} | {processor:.1f} |")


if __name__ == "__main__":
    main()
