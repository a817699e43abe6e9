"""``python -m benchmarks.grpc``: the cost of gRPC.

Compares one row with an empty handler and 10,000 rows with bare ONNX Runtime. Rounds alternate between the compared
servers; the report gives medians.
"""

import argparse
import asyncio
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from app.rpc._pb.open_inference_pb2 import ModelInferRequest
from benchmarks.servers import KEY, ROOT, on_core

METHOD = "/inference.GRPCInferenceService/ModelInfer"
EMPTY = ROOT / "benchmarks" / "apps" / "empty_grpc.py"
IN_FLIGHT = (1, 16)
"""Concurrent calls in one connection."""
ROWS = 10_000
_BEER = (5.6, 1056.0, 1013.0, 17.0, 8.6, 4.4)
Rows = NDArray[np.float32]
_TICKS = os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def _server(command: list[str], port: int, folder: str, core: int) -> Iterator[subprocess.Popen[bytes]]:
    settings = {"PORT": "0", "GRPC_PORT": str(port), "MODEL_URI": str(ROOT / "models")}
    with on_core(command, core, Path(folder), Path(folder, "stderr"), settings) as process:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            grpc.channel_ready_future(channel).result(60)
        yield process


def _request(rows: Rows) -> bytes:
    request = ModelInferRequest(model_name="beer-ibu", raw_input_contents=[rows.tobytes()])
    request.inputs.add(name="features", datatype="FP32", shape=rows.shape)
    return request.SerializeToString()


def _cpu(process: subprocess.Popen[bytes]) -> float:
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


async def _ask(address: str, request: bytes, seconds: float, in_flight: int) -> int:
    """Count the calls answered within a number of seconds."""
    async with grpc.aio.insecure_channel(address) as channel:
        call: Any = channel.unary_unary(METHOD)
        until = time.perf_counter() + seconds

        async def one_after_the_other() -> int:
            count = 0
            while time.perf_counter() < until:
                await call(request, metadata=(("x-api-key", KEY),))
                count += 1
            return count

        return sum(await asyncio.gather(*(one_after_the_other() for _ in range(in_flight))))


def _small(
    address: str, process: subprocess.Popen[bytes], request: bytes, seconds: float, in_flight: int
) -> tuple[float, float]:
    """Measure calls per second and the server's processor time per call in microseconds."""
    cpu_before, start = _cpu(process), time.perf_counter()
    calls = asyncio.run(_ask(address, request, seconds, in_flight))
    return calls / (time.perf_counter() - start), (_cpu(process) - cpu_before) / calls * 1e6


def _timed(work: Callable[[], object], cpu: Callable[[], float], times: int = 20) -> tuple[float, float]:
    """Measure median wall-clock time and mean processor time in seconds; other load affects only the former."""
    durations, before = [], cpu()
    for _ in range(times):
        start = time.perf_counter()
        work()
        durations.append(time.perf_counter() - start)
    return statistics.median(durations), (cpu() - before) / times


def _bare(rows: Rows) -> Callable[[], object]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    graph = max((ROOT / "models" / "beer-ibu").glob("*/model.onnx"))
    session = onnxruntime.InferenceSession(str(graph), options, ["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda: session.run(None, {name: rows})


def main() -> None:
    """Measure and print the report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.grpc", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    arguments = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[-1]})
    ports = [_free_port(), _free_port()]
    single = _request(np.array([_BEER], np.float32))
    rows = np.array([_BEER], np.float32) * np.linspace(0.99, 1.01, ROWS, dtype=np.float32)[:, None]
    with contextlib.ExitStack() as stack:
        folders = [stack.enter_context(tempfile.TemporaryDirectory()) for _ in ports]
        commands = [sys.executable, "-m", "app"], [sys.executable, str(EMPTY), str(ports[1])]
        servers = [
            stack.enter_context(_server(command, port, folder, cores[0]))
            for command, port, folder in zip(commands, ports, folders, strict=True)
        ]
        addresses = [f"127.0.0.1:{port}" for port in ports]
        for address in addresses:
            asyncio.run(_ask(address, single, 0.5, 1))
        small: dict[int, list[list[tuple[float, float]]]] = {count: [[], []] for count in IN_FLIGHT}
        for _ in range(arguments.rounds):
            for count, measured in small.items():
                for index, process in enumerate(servers):
                    measured[index].append(_small(addresses[index], process, single, arguments.seconds, count))
        channel = stack.enter_context(grpc.insecure_channel(addresses[0], [("grpc.max_receive_message_length", -1)]))
        call: Any = channel.unary_unary(METHOD)
        large, bare = _request(rows), _bare(rows)
        times: list[list[tuple[float, float]]] = [[], []]
        for _ in range(arguments.rounds + 1):
            times[0].append(_timed(lambda: call(large, metadata=(("x-api-key", KEY),)), lambda: _cpu(servers[0])))
            os.sched_setaffinity(0, {cores[0]})  # the server's core, which is idle now
            times[1].append(_timed(bare, time.process_time))
            os.sched_setaffinity(0, {cores[-1]})
    _report(small, [figures[1:] for figures in times])


def _report(small: dict[int, list[list[tuple[float, float]]]], large: list[list[tuple[float, float]]]) -> None:
    for count, measured in small.items():
        (rate, cpu), (rate_empty, cpu_empty) = (
            [statistics.median(column) for column in zip(*figures, strict=True)] for figures in measured
        )
        print(f"one row, {count} concurrent calls in one connection:")
        print(f"  ModelInfer      {rate:8,.0f} calls/s  {cpu:6.0f} us of the server's processor time per call")
        print(f"  empty handler   {rate_empty:8,.0f} calls/s  {cpu_empty:6.0f} us")
        print(f"  ratio           {rate / rate_empty:8.2f}          {cpu_empty / cpu:6.2f}")
    (served, cpu), (bare, cpu_bare) = (
        [statistics.median(column) * 1000 for column in zip(*figures, strict=True)] for figures in large
    )
    print(f"{ROWS:,} rows in one raw tensor, one call at a time:")
    print(f"  ModelInfer      {served:8.2f} ms       {cpu:6.2f} ms of the server's processor time")
    print(f"  bare            {bare:8.2f} ms       {cpu_bare:6.2f} ms")
    print(f"  ratio           {bare / served:8.2f}          {cpu_bare / cpu:6.2f}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
