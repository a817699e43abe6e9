"""``python -m benchmarks.remote``: REST with the model in the process, at our model server, and at MLServer.

Front process and model server share the first core; the load runs on the last. The model servers are also measured
alone: the same client (the remote predictor, from four threads) sends one row and a thousand rows per call.
"""

import argparse
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from app.bundle.store import highest, read_bundle
from app.remote.connection import Connection
from app.remote.predictor import RemotePredictor
from app.remote.server import ModelServer
from app.runtime.onnx import OnnxPredictor
from benchmarks.__main__ import cores
from benchmarks.contenders import lacks, ours
from benchmarks.model_servers import OURS, Remote, mlserver, serving
from benchmarks.processes import cpu_seconds
from benchmarks.servers import KEY, ROOT, BenchmarkFailed, running
from benchmarks.wrk import drive

MODELS = ROOT / "models"
CALLERS = 4
ROWS = (1, 1000)


def main() -> int:
    """Measure and print the report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.remote", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="rounds over all servers (3)")
    parser.add_argument("--seconds", type=float, default=3.0, help="seconds of each load (3)")
    parser.add_argument("--peers", default=sys.executable, help="Python interpreter with MLServer and ONNX Runtime")
    arguments = parser.parse_args()
    commands: dict[str, tuple[str, ...]] = {"ours": OURS}
    if missing := lacks(arguments.peers, "mlserver"):
        print(f"MLServer is skipped: {missing}", file=sys.stderr)
    else:
        commands["mlserver"] = mlserver(arguments.peers)
    rest: dict[str, list[tuple[float, ...]]] = {}
    rpc: dict[tuple[str, int], list[tuple[float, ...]]] = {}
    try:
        for _ in range(arguments.rounds):
            rest.setdefault("in the process", []).append(_rest(None, arguments.seconds))
            for name, command in commands.items():
                with serving(command, cores().server, MODELS) as server:
                    rest.setdefault(f"at {name}", []).append(_rest(server, arguments.seconds))
                    for rows in ROWS:
                        rpc.setdefault((name, rows), []).append(_rpc(server, rows, arguments.seconds))
    except BenchmarkFailed as failure:
        print(f"No report: {failure}", file=sys.stderr)
        return 1
    _print(rest, rpc)
    return 0


def _print(rest: dict[str, list[tuple[float, ...]]], rpc: dict[tuple[str, int], list[tuple[float, ...]]]) -> None:
    print("| POST /predict, the model | requests/s | p50 ms | p99 ms | CPU us/request, front and model server |")
    print("|---|---:|---:|---:|---:|")
    for name, figures in rest.items():
        rate, p50, p99, cpu = (statistics.median(column) for column in zip(*figures, strict=True))
        print(f"| {name} | {rate:,.0f} | {p50:.2f} | {p99:.2f} | {cpu:.0f} |")
    print("\n| ModelInfer, same client | rows a call | calls/s | rows/s | p50 ms | CPU us/call, server |")
    print("|---|---:|---:|---:|---:|---:|")
    for (name, rows), figures in rpc.items():
        rate, p50, cpu = (statistics.median(column) for column in zip(*figures, strict=True))
        print(f"| {name} | {rows:,} | {rate:,.0f} | {rate * rows:,.0f} | {p50:.2f} | {cpu:.0f} |")


def _rest(server: Remote | None, seconds: float) -> tuple[float, float, float, float]:
    """Measure requests/s, p50 and p99 in ms, and processor time per request in us."""
    contender = ours(MODELS)
    environment = {"MODEL_SERVER": f"grpc://{server.target}", "MODEL_SERVER_API_KEY": KEY} if server else {}
    contender = replace(contender, environment={**contender.environment, "GRPC_ENABLED": "false", **environment})
    with tempfile.TemporaryDirectory(prefix="remote-") as folder:
        with running(contender, cores().server, Path(folder)) as front:
            drive(front, contender, cores().load, 1, Path(folder))
            before = cpu_seconds(server.pid) if server else 0.0
            load = drive(front, contender, cores().load, seconds, Path(folder))
            server_cpu = (cpu_seconds(server.pid) - before if server else 0.0) / load.requests * 1e6
    return load.requests_a_second, load.p50_ms, load.p99_ms, load.cpu_us + server_cpu


def _rpc(server: Remote, rows: int, seconds: float) -> tuple[float, float, float]:
    """Measure calls/s, p50 in ms, and the server's processor time per call in us."""
    bundle = read_bundle(highest(MODELS, "beer-ibu"))
    connected = ModelServer(Connection(server.target, key=KEY, timeout=30.0))
    predictor = connected.open(bundle)
    inputs = {"features": np.tile(np.array([[5.6, 1056, 1013, 17, 8.6, 4.4]], np.float32), (rows, 1))}
    expected = OnnxPredictor(bundle).predict(inputs)["ibu"]
    if not (predictor.predict(inputs)["ibu"] == expected).all():
        raise BenchmarkFailed("the model server gives different numbers")
    latencies: list[float] = []
    before, start = cpu_seconds(server.pid), time.perf_counter()
    callers = [
        threading.Thread(target=_call, args=(predictor, inputs, start + seconds, latencies)) for _ in range(CALLERS)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    elapsed, cpu = time.perf_counter() - start, cpu_seconds(server.pid) - before
    connected.stop()
    return len(latencies) / elapsed, 1e3 * statistics.median(latencies), cpu / len(latencies) * 1e6


def _call(predictor: RemotePredictor, inputs: dict[str, np.ndarray], until: float, latencies: list[float]) -> None:
    while (now := time.perf_counter()) < until:
        predictor.predict(inputs)
        latencies.append(time.perf_counter() - now)


if __name__ == "__main__":
    sys.exit(main())
