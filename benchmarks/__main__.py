"""``python -m benchmarks``: the service against others on this machine; a table on stdout, and all figures as JSON.

Servers run one at a time on the first core, wrk on the second; every server is started anew in every round. The load
goes to 127.0.0.1 only, each run is bounded in time, and an answer other than 200 ends the benchmark without a report.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from benchmarks.contenders import contenders, empty
from benchmarks.keys import key_variants
from benchmarks.measure import Cores, Plan, measure, measure_keys, measure_starts
from benchmarks.report import document, machine, summarise, targets
from benchmarks.servers import ROOT, BenchmarkFailed, compile_ours


def main() -> int:
    """Measure and print."""
    arguments = _arguments()
    pinned = cores()
    plan = Plan(1, 1.0, 0.0) if arguments.quick else Plan(arguments.rounds, arguments.seconds, 1.0)
    known = contenders(arguments.models.resolve(), arguments.peers)
    skipped = {c.name: c.missing for c in known if c.missing}
    compile_ours()
    try:
        rounds = measure([c for c in known if not c.missing], pinned, plan)
        empties = measure_starts(empty(), pinned, plan.rounds)
        with tempfile.TemporaryDirectory(prefix="keys-") as place:
            variants, unmeasured = key_variants(arguments.models.resolve(), Path(place))
            keys = measure_keys(variants, pinned, plan)
    except BenchmarkFailed as failure:
        print(f"No report: {failure}", file=sys.stderr)
        return 1
    summary = summarise(rounds)
    summary["empty"] = {key: sorted(one[key] for one in empties)[len(empties) // 2] for key in empties[0]}
    by_keys = {str(count): sorted(one["cpu_us"] for one in found)[len(found) // 2] for count, found in keys.items()}
    result = {
        "machine": machine(),
        "plan": vars(plan),
        "summary": summary,
        "targets": targets(summary),
        "skipped": skipped,
        "cpu_us_by_keys": by_keys or unmeasured,
        "rounds": rounds,
    }
    print(document(result, {c.name: c.what for c in [*known, empty()]}))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    return 0


def cores() -> Cores:
    """The first core of this process for the server, the last for the load."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) == 1:
        print("Only one core: server and load share it, and the figures say little.", file=sys.stderr)
    return Cores(allowed[0], allowed[-1])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of a second each, only to see that it runs")
    parser.add_argument("--rounds", type=int, default=5, help="rounds over all servers (5)")
    parser.add_argument("--seconds", type=float, default=5.0, help="seconds of load a server and round (5)")
    parser.add_argument("--json", type=Path, help="file for all figures")
    parser.add_argument("--models", type=Path, default=ROOT / "models", help="folder of bundles (models/)")
    parser.add_argument("--peers", default=sys.executable, help="interpreter with requirements/bench.txt installed")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
