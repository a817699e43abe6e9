"""``python -m benchmarks.rollouts``: what a shadow and a canary cost.

Stretches without a rollout, with a shadow and with a canary take turns in one server. Of each kind, one stretch is at
full load (wrk), for the throughput and the processor time of a request, and one at a steady rate, for the p99.
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from app.bundle.pointer import activate
from app.bundle.rollout import RolloutSpec, end_rollout, new_id, write_rollout
from benchmarks.__main__ import cores
from benchmarks.contenders import ours
from benchmarks.servers import ROOT, BenchmarkFailed, running
from benchmarks.swaps import MODEL, second_version, stretch
from benchmarks.wrk import drive

SETTLING_SECONDS = 4.0
"""Seconds in which the server takes up a rollout; the quarantine of its version takes the longest."""
MIN_THROUGHPUT = 0.92
"""Least throughput with a shadow, over that without."""
MAX_P99 = 1.05
"""Largest p99 with a shadow at the steady rate, over that without."""


@dataclass
class Figures:
    """What was measured of one kind of stretch, a value for each round."""

    throughput: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)


def main() -> int:
    """Measure and print the ratios; return 1 if one breaks its bound."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rollouts", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="stretches of each kind (5)")
    parser.add_argument("--seconds", type=int, default=5, help="seconds per stretch (5)")
    parser.add_argument("--rate", type=int, default=0, help="steady rate, requests/s (default: half of the capacity)")
    arguments = parser.parse_args()
    kinds = {
        "none": None,
        "shadow 0.1": RolloutSpec(mode="shadow", version="1", share=0.1, max_difference=1.0),
        "canary 0.05": RolloutSpec(mode="canary", version="1", share=0.05),
    }
    try:
        figures = _measure(arguments, kinds)
    except BenchmarkFailed as failure:
        print(f"No report: {failure}", file=sys.stderr)
        return 1
    for name, of_kind in figures.items():
        medians = [np.median(values) for values in (of_kind.throughput, of_kind.cpu_us, of_kind.p99_ms)]
        print(f"{name:12} {medians[0]:8,.0f} requests/s  {medians[1]:6.1f} us a request  p99 {medians[2]:6.2f} ms")
    none, shadow = figures["none"], figures["shadow 0.1"]
    throughput, p99 = _ratio(shadow.throughput, none.throughput), _ratio(shadow.p99_ms, none.p99_ms)
    print(
        f"shadow over none: throughput {throughput:.3f} (at least {MIN_THROUGHPUT:g}), "
        f"p99 {p99:.3f} (at most {MAX_P99:g}), median of the rounds"
    )
    return 0 if throughput >= MIN_THROUGHPUT and p99 <= MAX_P99 else 1


def _ratio(values: list[float], usual: list[float]) -> float:
    return float(np.median([value / other for value, other in zip(values, usual, strict=True)]))


def _measure(arguments: argparse.Namespace, kinds: dict[str, RolloutSpec | None]) -> dict[str, Figures]:
    figures = {name: Figures() for name in kinds}
    with tempfile.TemporaryDirectory(prefix="rollouts-") as folder:
        root = Path(folder) / "models"
        shutil.copytree(ROOT / "models", root)
        active, candidate = second_version(root)
        activate(root, MODEL, active)
        contender = ours(root)
        with running(contender, cores().server, Path(folder), keep_log=False) as server:
            warm_up = drive(server, contender, cores().load, arguments.seconds, Path(folder))
            rate = arguments.rate or int(warm_up.requests_a_second / 2)
            for _ in range(arguments.rounds):
                for name, spec in kinds.items():
                    _set(root, spec, candidate)
                    load = drive(server, contender, cores().load, arguments.seconds, Path(folder))
                    figures[name].throughput.append(load.requests_a_second)
                    figures[name].cpu_us.append(load.cpu_us)
                    latencies = asyncio.run(stretch(server.port, contender, rate, arguments.seconds, None))
                    figures[name].p99_ms.append(1e3 * float(np.quantile(latencies, 0.99)))
    return figures


def _set(root: Path, spec: RolloutSpec | None, candidate: str) -> None:
    if spec is None:
        end_rollout(root, MODEL)
    else:
        write_rollout(root, MODEL, spec.model_copy(update={"id": new_id(), "version": candidate}))
    time.sleep(SETTLING_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
