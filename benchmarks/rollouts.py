"""``python -m benchmarks.rollouts``: what a shadow, a canary and recording cost. Takes less than three minutes.

Stretches without a rollout, with a shadow, with a canary, and with a shadow while one row of a hundred is recorded take
turns; of the two servers, the other one is idle meanwhile. Of each kind, one stretch is at full load (wrk), for the
throughput and the processor time of a request, and one at half of the throughput, for the p99.
"""

import argparse
import asyncio
import os
import shutil
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from urllib.request import Request, urlopen

import numpy as np

from app.bundle.pointer import activate
from app.bundle.rollout import RolloutSpec, end_rollout, new_id, write_rollout
from app.traffic.metrics import SHARE
from benchmarks.__main__ import cores
from benchmarks.contenders import ours
from benchmarks.measure import Cores
from benchmarks.servers import KEY, ROOT, BenchmarkFailed, running
from benchmarks.swaps import MODEL, second_version, stretch
from benchmarks.wrk import Load, drive

RATE = "sample:0.01"
"""The setting RECORD of the server that records."""
PATIENCE = 20.0
"""Maximum seconds until a server takes up a rollout."""
MIN_THROUGHPUT = 0.92
"""Least throughput with a shadow and recording, over that without."""
MAX_P99 = 1.05
"""Largest p99 with a shadow at half of the throughput, over that without."""


class Kind(NamedTuple):
    """What is on in a stretch."""

    spec: RolloutSpec | None = None
    """The rollout."""
    records: bool = False
    """Whether one row of a hundred is recorded."""


_SHADOW = RolloutSpec(mode="shadow", version="1", share=0.1, max_difference=1.0)
KINDS = {
    "none": Kind(),
    "shadow 0.1": Kind(_SHADOW),
    "canary 0.05": Kind(RolloutSpec(mode="canary", version="1", share=0.05)),
    "shadow 0.1, records 0.01": Kind(_SHADOW, records=True),
}


@dataclass
class Figures:
    """What was measured of one kind of stretch, a value for each round."""

    throughput: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)


def main() -> int:
    """Measure and print the ratios; return 1 if one breaks its bound."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rollouts", description=__doc__)
    parser.add_argument("--rounds", type=int, default=4, help="stretches of each kind (4)")
    parser.add_argument("--seconds", type=int, default=3, help="seconds per stretch (3)")
    parser.add_argument("--rate", type=int, default=0, help="steady rate, requests/s (default: half of the throughput)")
    arguments = parser.parse_args()
    try:
        figures = _measure(arguments)
    except BenchmarkFailed as failure:
        print(f"No report: {failure}", file=sys.stderr)
        return 1
    for name, of_kind in figures.items():
        lists = of_kind.throughput, of_kind.cpu_us, of_kind.p50_ms, of_kind.p99_ms
        throughput, cpu, p50, p99 = (float(np.median(values)) for values in lists)
        print(f"{name:25} {throughput:8,.0f} requests/s  {cpu:6.1f} us a request  p50 {p50:5.2f} ms  p99 {p99:6.2f} ms")
    none, shadow, both = figures["none"], figures["shadow 0.1"], figures["shadow 0.1, records 0.01"]
    slower, faster = _ratio(shadow.p99_ms, none.p99_ms), _ratio(both.throughput, none.throughput)
    print(f"p99 with a shadow over that without: {slower:.3f} (at most {MAX_P99:g}), median of the rounds")
    print(
        f"throughput with a shadow and recording over that without: {faster:.3f} (at least {MIN_THROUGHPUT:g}), "
        f"with a shadow alone {_ratio(shadow.throughput, none.throughput):.3f}"
    )
    return 0 if faster >= MIN_THROUGHPUT and slower <= MAX_P99 else 1


def _ratio(values: list[float], usual: list[float]) -> float:
    return float(np.median([value / other for value, other in zip(values, usual, strict=True)]))


def _measure(arguments: argparse.Namespace) -> dict[str, Figures]:
    figures = {name: Figures() for name in KINDS}
    place = cores()
    os.sched_setaffinity(0, {place.load})  # the requests at the steady rate come from this process
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="rollouts-")))
        servers = [_Server(stack, folder / name, place, recording) for name, recording in (("a", ""), ("b", RATE))]
        rate = arguments.rate or int(servers[0].drive(arguments.seconds).requests_a_second / 2)
        servers[1].drive(arguments.seconds)
        for _ in range(arguments.rounds):
            for name, kind in KINDS.items():
                server, of_kind = servers[kind.records], figures[name]
                server.begin(kind.spec)
                load = server.drive(arguments.seconds)
                of_kind.throughput.append(load.requests_a_second)
                of_kind.cpu_us.append(load.cpu_us)
                latencies = asyncio.run(stretch(server.port, server.contender, rate, arguments.seconds, None))
                of_kind.p50_ms.append(1e3 * float(np.quantile(latencies, 0.5)))
                of_kind.p99_ms.append(1e3 * float(np.quantile(latencies, 0.99)))
                server.begin(None)
    return figures


class _Server:
    """A server with a folder of models of its own, in which a second version can be tried."""

    def __init__(self, stack: ExitStack, folder: Path, place: Cores, recording: str) -> None:
        self._folder, self._place = folder, place
        self._root = folder / "models"
        shutil.copytree(ROOT / "models", self._root)
        active, self._candidate = second_version(self._root)
        activate(self._root, MODEL, active)
        usual = ours(self._root)
        more = {"RECORD": recording, "RECORD_PATH": str(folder / "records")} if recording else {}
        self.contender = replace(usual, environment={**usual.environment, **more})
        self._running = stack.enter_context(running(self.contender, place.server, folder, keep_log=False))
        self.port = self._running.port

    def begin(self, spec: RolloutSpec | None) -> None:
        """Begin a rollout, or end it."""
        if spec is None:
            end_rollout(self._root, MODEL)
        else:
            write_rollout(self._root, MODEL, spec.model_copy(update={"id": new_id(), "version": self._candidate}))
        deadline = time.monotonic() + PATIENCE
        while self._share() != (spec.share if spec else 0.0):
            if time.monotonic() > deadline:
                raise BenchmarkFailed("the server does not take up the rollout")
            time.sleep(0.1)

    def _share(self) -> float:
        """Return the share of the calls on which a version is tried."""
        request = Request(f"http://127.0.0.1:{self.port}/metrics", headers={"X-API-Key": KEY})
        with urlopen(request, timeout=PATIENCE) as response:
            lines = response.read().decode().splitlines()
        return max((float(line.split()[-1]) for line in lines if line.startswith(f"{SHARE.name}{{")), default=0.0)

    def drive(self, seconds: float) -> Load:
        """Load the server fully."""
        return drive(self._running, self.contender, self._place.load, seconds, self._folder)


if __name__ == "__main__":
    sys.exit(main())
