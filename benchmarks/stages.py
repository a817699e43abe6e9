"""``python -m benchmarks.stages``: the duration of each stage of a request under load, with 16 connections."""

import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from benchmarks.__main__ import cores
from benchmarks.contenders import ours
from benchmarks.servers import ROOT, BenchmarkFailed, running
from benchmarks.wrk import drive

SECONDS = 4.0


def main() -> int:
    """Load the instrumented service and print the stages."""
    models = Path(sys.argv[1]).resolve() if len(sys.argv) > 1 else ROOT / "models"
    with tempfile.TemporaryDirectory(prefix="stages-") as folder:
        stages_file = Path(folder) / "stages.json"
        service = ours(models)
        staged = replace(
            service,
            command=lambda port: [sys.executable, "-m", "benchmarks.apps.staged"],
            environment={**service.environment, "STAGES_FILE": str(stages_file)},
        )
        try:
            with running(staged, cores().server, Path(folder)) as server:
                load = drive(server, staged, cores().load, SECONDS, Path(folder))
        except BenchmarkFailed as failure:
            print(f"No report: {failure}", file=sys.stderr)
            return 1
        stages = json.loads(stages_file.read_text())
    print(f"{'us a call':>10} {'calls':>7} {'us':>7}  a request: stage")
    for stage, figures in sorted(stages.items()):
        calls = figures["calls"] / stages["key"]["calls"]
        print(f"{figures['median_us']:10.2f} {calls:7.2f} {figures['median_us'] * calls:7.2f}  {stage}")
    print(f"{load.cpu_us:26.2f}  processor time, timers included")
    return 0


if __name__ == "__main__":
    sys.exit(main())
