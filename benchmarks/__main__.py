"""``python -m benchmarks``: compare the service with other servers on this machine.

Prints a table to stdout and writes all figures as JSON.

Servers run one at a time on the first core, wrk on the last. Each round restarts every server. The load goes to
127.0.0.1 only, each run has a time limit, and a response other than 200 ends the benchmark without a report.
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
    """Measure all servers and print the report."""
    arguments = _arguments()
    pinned = cores()
    plan = Plan(1, 1.0, 0.0) if arguments.quick else Plan(arguments.rounds, arguments.seconds, 1.0)
    servers = contenders(arguments.models.resolve(), arguments.peers)
    skipped = {server.name: server.missing for server in servers if server.missing}
    compile_ours()
    try:
        rounds = measure([server for server in servers if not server.missing], pinned, plan)
        empties = measure_starts(empty(), pinned, plan.rounds)
        with tempfile.TemporaryDirectory(prefix="keys-") as folder:
            variants, unmeasured = key_variants(arguments.models.resolve(), Path(folder))
            keys = measure_keys(variants, pinned, plan)
    except BenchmarkFailed as failure:
        print(f"No report: {failure}", file=sys.stderr)
        return 1
    summary = summarise(rounds)
    summary["empty"] = {key: sorted(one[key] for one in empties)[len(empties) // 2] for key in empties[0]}
    by_keys = {
        str(count): sorted(one["cpu_us"] for one in figures)[len(figures) // 2] for count, figures in keys.items()
    }
    result = {
        "machine": machine(),
        "plan": vars(plan),
        "summary": summary,
        "targets": targets(summary),
        "skipped": skipped,
        "cpu_us_by_keys": by_keys or unmeasured,
        "rounds": rounds,
    }
    print(document(result, {server.name: server.description for server in [*servers, empty()]}))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    return 0


def cores() -> Cores:
    """Assign the first core of this process to the server and the last to the load."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) == 1:
        print("Only one core: server and load share it, so the figures are unreliable.", file=sys.stderr)
    return Cores(allowed[0], allowed[-1])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="one round of one second each, to check that the benchmark runs"
    )
    parser.add_argument("--rounds", type=int, default=5, help="rounds over all servers (5)")
    parser.add_argument("--seconds", type=float, default=5.0, help="seconds of load per server and round (5)")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--models", type=Path, default=ROOT / "models", help="folder of bundles (models/)")
    parser.add_argument("--peers", default=sys.executable, help="interpreter with requirements/bench.txt installed")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
