"""``python -m benchmarks.swaps``: latency of single requests at a steady rate during version swaps.

Open loop: each request is sent at its scheduled time, whether or not earlier ones have been answered, and its latency
is measured from that time. Stretches without and with swaps alternate. A response other than 200 ends the benchmark
without a report.
"""

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from app.bundle.manifest import MANIFEST
from app.bundle.pointer import activate
from app.bundle.store import highest, read_bundle, write_bundle
from benchmarks.__main__ import cores
from benchmarks.contenders import ours
from benchmarks.servers import KEY, ROOT, BenchmarkFailed, Contender, running

MODEL = "beer-ibu"
CONNECTIONS = 32
MAX_RATIO = 2.0


def main() -> int:
    """Measure and print the ratio; return 1 if it exceeds the bound."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.swaps", description=__doc__)
    parser.add_argument("--rate", type=int, default=200, help="requests per second (200)")
    parser.add_argument("--seconds", type=int, default=10, help="seconds per stretch (10)")
    parser.add_argument("--rounds", type=int, default=5, help="stretches of each kind (5)")
    parser.add_argument("--every", type=float, default=3.0, help="seconds between two swaps (3)")
    parser.add_argument("--free", action="store_true", help="let the server and its children use every core")
    arguments = parser.parse_args()
    try:
        usual, swapping = _measure(arguments)
    except BenchmarkFailed as failure:
        print(f"No report: {failure}", file=sys.stderr)
        return 1
    for name, stretches in ("usual", usual), ("swapping", swapping):
        latencies = np.concatenate(stretches)
        p50, p99, p999 = (1e3 * np.quantile(latencies, q) for q in (0.5, 0.99, 0.999))
        print(
            f"{name:9} p50 {p50:6.2f} ms  p99 {p99:6.2f} ms  p99.9 {p999:7.2f} ms  max {1e3 * max(latencies):7.2f} ms"
            f"  {len(latencies):,} responses"
        )
    ratios = [
        np.quantile(swap_stretch, 0.99) / np.quantile(usual_stretch, 0.99)
        for usual_stretch, swap_stretch in zip(usual, swapping, strict=True)
    ]
    ratio = float(np.median(ratios))  # median of pairs, so a single stall of the machine has no effect
    print(
        f"p99 while swapping over the usual, by round: {', '.join(f'{value:.2f}' for value in ratios)}; "
        f"median {ratio:.2f} (maximum {MAX_RATIO:g})"
    )
    return 0 if ratio <= MAX_RATIO else 1


def _measure(arguments: argparse.Namespace) -> tuple[list[list[float]], list[list[float]]]:
    """Measure the latencies of each stretch, without swaps and with swaps, in seconds."""
    latencies: dict[bool, list[list[float]]] = {False: [], True: []}
    with tempfile.TemporaryDirectory(prefix="swaps-") as folder:
        root = Path(folder) / "models"
        shutil.copytree(ROOT / "models", root)
        names = second_version(root)
        contender = ours(root)
        with running(contender, cores().server, Path(folder), keep_log=False) as server:
            if arguments.free:
                _free(server.pid)
            asyncio.run(stretch(server.port, contender, arguments.rate, 2, None))
            for _ in range(arguments.rounds):
                for swaps in False, True:
                    change = (root, names, arguments.every) if swaps else None
                    measured = stretch(server.port, contender, arguments.rate, arguments.seconds, change)
                    latencies[swaps].append(asyncio.run(measured))
    return latencies[False], latencies[True]


def second_version(root: Path) -> tuple[str, str]:
    """Write a copy of the beer model as another version; return both versions."""
    bundle = read_bundle(highest(root, MODEL))
    later = str(int(bundle.manifest.version) + 1)
    others = {name: data for name, data in bundle.files.items() if name != MANIFEST}
    write_bundle(root, bundle.manifest.model_copy(update={"version": later}), others)
    return bundle.manifest.version, later


def _free(pid: int) -> None:
    os.sched_setaffinity(pid, os.sched_getaffinity(0))
    for thread in Path(f"/proc/{pid}/task").iterdir():
        os.sched_setaffinity(int(thread.name), os.sched_getaffinity(0))


def _swap(root: Path, version: str) -> None:
    """Activate a version whose manifest is touched, so that it goes through quarantine again."""
    (root / MODEL / version / MANIFEST).touch()
    activate(root, MODEL, version)


async def stretch(
    port: int, contender: Contender, rate: int, seconds: float, change: tuple[Path, tuple[str, str], float] | None
) -> list[float]:
    """Measure the latencies of one stretch.

    Args:
        port: Port of the server.
        contender: Its path and body.
        rate: Requests per second.
        seconds: Duration of the stretch.
        change: Folder of bundles, the versions to swap and the seconds between two swaps; None: no swaps.

    Returns:
        Latency of each request from its scheduled time, seconds.

    Raises:
        BenchmarkFailed: If a response is not 200.
    """
    head = (
        f"POST {contender.path} HTTP/1.1\r\nHost: x\r\nX-API-Key: {KEY}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(contender.body)}\r\n\r\n"
    ).encode()
    idle: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        idle.put_nowait(await asyncio.open_connection("127.0.0.1", port))
    latencies: list[float] = []

    async def send(due: float) -> None:
        reader, writer = await idle.get()
        writer.write(head + contender.body)
        head_bytes = await reader.readuntil(b"\r\n\r\n")
        if not head_bytes.startswith(b"HTTP/1.1 200"):
            raise BenchmarkFailed(head_bytes[:60].decode("latin-1"))
        length = next(
            int(line[15:]) for line in head_bytes.split(b"\r\n") if line.lower().startswith(b"content-length:")
        )
        await reader.readexactly(length)
        latencies.append(time.perf_counter() - due)
        idle.put_nowait((reader, writer))

    start = time.perf_counter()
    swapped, swap_count = start, 0
    async with asyncio.TaskGroup() as group:
        for count in range(int(rate * seconds)):
            due = start + count / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(send(due))
            if change and due - swapped >= change[2]:
                swap_count, swapped = swap_count + 1, due
                group.create_task(asyncio.to_thread(_swap, change[0], change[1][swap_count % 2]))
    while not idle.empty():
        idle.get_nowait()[1].close()
    return latencies


if __name__ == "__main__":
    sys.exit(main())
