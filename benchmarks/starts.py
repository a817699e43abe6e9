"""``python -m benchmarks.starts``: time from process start to first response, service and empty app in turn."""

import argparse
import sys
from pathlib import Path
from statistics import median

from benchmarks.__main__ import cores
from benchmarks.contenders import empty, ours
from benchmarks.measure import Figures, measure_starts
from benchmarks.servers import ROOT, BenchmarkFailed, compile_ours

MAX_RATIO = 2.0


def main() -> int:
    """Measure and print the ratio; return 1 if it exceeds the bound."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.starts", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="starts of each server (10)")
    parser.add_argument("--models", type=Path, default=ROOT / "models", help="folder of bundles (models/)")
    arguments = parser.parse_args()
    compile_ours()
    both = ours(arguments.models.resolve()), empty()
    rounds: dict[str, list[Figures]] = {server.name: [] for server in both}
    try:
        for _ in range(arguments.rounds):
            for server in both:
                rounds[server.name] += measure_starts(server, cores(), 1)
    except BenchmarkFailed as failure:
        print(f"No report: {failure}", file=sys.stderr)
        return 1
    for name, figures in rounds.items():
        for key in figures[0]:
            values = [round_figures[key] for round_figures in figures]
            print(f"{median(values):8.3f}  {name} {key} ({min(values):.3f} to {max(values):.3f})")
    mine, other = ([round_figures["start_seconds"] for round_figures in rounds[server.name]] for server in both)
    ratio = median(mine) / median(other)
    print(f"{ratio:8.2f}  ours over empty (maximum {MAX_RATIO:g})")
    return 0 if ratio <= MAX_RATIO else 1


if __name__ == "__main__":
    sys.exit(main())
