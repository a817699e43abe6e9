"""``python -m benchmarks.batching``: pictures a second of a model server, with batching and without, and of MLServer.

The servers have one core in turn, the callers the other: alone, and sixteen at once, each with a picture of its own,
sent as one raw tensor. Every answer is held against bare ONNX Runtime's.
"""

import argparse
import asyncio
import os
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import numpy as np

from app.bundle.manifest import Manifest
from app.bundle.store import highest, read_bundle
from app.inference.onnx import OnnxPredictor
from app.remote.messages import answer, request
from app.rpc._pb.open_inference_pb2 import ModelInferResponse
from benchmarks.__main__ import cores
from benchmarks.contenders import lacks
from benchmarks.grpc import METHOD
from benchmarks.model_servers import OURS, Remote, mlserver, serving
from benchmarks.processes import cpu_seconds, memory_mb
from benchmarks.servers import KEY, ROOT, BenchmarkFailed

MODEL = "cat-dog"
CALLERS = (1, 16)
_WARM_UP = 0.5
Figures = tuple[float, ...]
"""Pictures a second, p50 and p99 in ms, the server's processor ms a picture and memory in MB."""


@dataclass(frozen=True)
class Asked:
    """A picture and what is right."""

    sent: bytes
    right: dict[str, Any]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batching", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds over all servers (5)")
    parser.add_argument("--seconds", type=float, default=4.0, help="seconds of each load (4)")
    parser.add_argument("--size", type=int, default=16, help="most pictures of a run (16)")
    parser.add_argument("--time", type=float, default=0.005, help="most seconds that one waits for others (0.005)")
    parser.add_argument("--models", type=Path, default=ROOT / "models", help="folder of bundles (models/)")
    parser.add_argument("--peers", default=sys.executable, help="interpreter with MLServer and ONNX Runtime")
    arguments = parser.parse_args()
    where, models = cores(), arguments.models.resolve()
    os.sched_setaffinity(0, {where.load})
    manifest, pictures = _pictures(models)
    batched = {"MAX_BATCH_SIZE": str(arguments.size), "MAX_BATCH_TIME": str(arguments.time)}
    servers: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
        "ours, each alone": (OURS, {"MAX_BATCH_SIZE": "1"}),
        "ours, batching": (OURS, batched),
    }
    if missing := lacks(arguments.peers, "mlserver"):
        print(f"MLServer is left out: {missing}", file=sys.stderr)
    else:
        servers["MLServer, each alone"] = mlserver(arguments.peers), {"MAX_BATCH_SIZE": "0"}
        servers["MLServer, batching"] = mlserver(arguments.peers), batched
    found: dict[tuple[str, int], list[Figures]] = {}
    try:
        for _ in range(arguments.rounds):
            for name, (command, settings) in servers.items():
                with serving(command, where.server, models, MODEL, **settings) as server:
                    asyncio.run(_load(server, manifest, pictures, _WARM_UP, max(CALLERS)))
                    for callers in CALLERS:
                        figures = asyncio.run(_load(server, manifest, pictures, arguments.seconds, callers))
                        found.setdefault((name, callers), []).append(figures)
    except BenchmarkFailed as failure:
        print(f"No report: {failure}", file=sys.stderr)
        return 1
    _print(found)
    return 0


def _print(found: dict[tuple[str, int], list[Figures]]) -> None:
    print("| server | callers | pictures/s | x ours alone | p50 ms | p99 ms | CPU ms/picture | memory MB |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    base = next(iter(found))[0]
    for (name, callers), rounds in found.items():
        rate, p50, p99, cpu, memory = (statistics.median(column) for column in zip(*rounds, strict=True))
        ratio = statistics.median(one[0] / of[0] for one, of in zip(rounds, found[base, callers], strict=True))
        print(f"| {name} | {callers} | {rate:.0f} | {ratio:.2f} | {p50:.1f} | {p99:.1f} | {cpu:.2f} | {memory:.0f} |")


def _pictures(models: Path) -> tuple[Manifest, list[Asked]]:
    """A picture for each caller: noise, which takes the network as long as a photo."""
    predictor = OnnxPredictor(read_bundle(highest(models, MODEL)))
    declared, random = predictor.manifest.inputs[0], np.random.default_rng(0)
    asked = []
    for _ in range(max(CALLERS)):
        arrays = {declared.name: random.uniform(-1, 1, (1, *declared.shape[1:])).astype(np.float32)}
        message = request(predictor.manifest, predictor.manifest.version, False, arrays)
        asked.append(Asked(message.SerializeToString(), predictor.predict(arrays)))
    return predictor.manifest, asked


async def _load(server: Remote, manifest: Manifest, pictures: list[Asked], seconds: float, callers: int) -> Figures:
    took: list[float] = []
    before, began = cpu_seconds(server.pid), time.perf_counter()
    async with grpc.aio.insecure_channel(server.target) as channel:
        call: Any = channel.unary_unary(METHOD, response_deserializer=ModelInferResponse.FromString)

        async def one_after_the_other(asked: Asked) -> None:
            while (now := time.perf_counter()) < began + seconds:
                told = await call(asked.sent, metadata=(("x-api-key", KEY),))
                took.append(time.perf_counter() - now)
                _compare(manifest, asked, told)

        await asyncio.gather(*(one_after_the_other(asked) for asked in pictures[:callers]))
    elapsed, spent = time.perf_counter() - began, cpu_seconds(server.pid) - before
    p50, p99 = np.percentile(took, [50, 99]) * 1000
    return len(took) / elapsed, p50, p99, spent / len(took) * 1000, memory_mb(server.pid)


def _compare(manifest: Manifest, asked: Asked, told: ModelInferResponse) -> None:
    given = answer(manifest, manifest.version, 1, told)
    if any(np.abs(given[name] - right).max() > manifest.golden.tolerance for name, right in asked.right.items()):
        raise BenchmarkFailed("a server gives other numbers")


if __name__ == "__main__":
    sys.exit(main())
