"""``python -m benchmarks.starts``: from a process' birth to its first answer, ours and an empty app's in turn."""

import argparse
import sys
from pathlib import Path
from statistics import median

from benchmarks.__main__ import cores
from benchmarks.contenders import empty, ours
from benchmarks.measure import Figures, measure_starts
from benchmarks.servers import ROOT, BenchmarkFailed, compile_ours

MOST_RATIO = 2.0


def main() -> int:
    """Measure and print; 1 where ours takes longer than it may."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.starts", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10, help="starts of each (10)")
    parser.add_argument("--models", type=Path, default=ROOT / "models", help="folder of bundles (models/)")
    arguments = parser.parse_args()
    compile_ours()
    both = ours(arguments.models.resolve()), empty()
    found: dict[str, list[Figures]] = {each.name: [] for each in both}
    try:
        for _ in range(arguments.rounds):
            for each in both:
                found[each.name] += measure_starts(each, cores(), 1)
    except BenchmarkFailed as failure:
        print(f"No report: {failure}", file=sys.stderr)
        return 1
    for name, figures in found.items():
        for key in figures[0]:
            values = [one[key] for one in figures]
            print(f"{median(values):8.3f}  {name} {key} ({min(values):.3f} to {max(values):.3f})")
    mine, other = ([one["start_seconds"] for one in found[each.name]] for each in both)
    ratio = median(mine) / median(other)
    print(f"{ratio:8.2f}  ours over empty (at most {MOST_RATIO:g})")
    return 0 if ratio <= MOST_RATIO else 1


if __name__ == "__main__":
    sys.exit(main())
