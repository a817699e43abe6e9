"""``python -m benchmarks.swaps``: what a swap of versions does to single requests that come at a steady rate.

Open loop: a request is sent when its time has come, whether or not the ones before are answered, and its latency counts
from then. Stretches without and with swaps take turns; an answer other than 200 ends the benchmark without a report.
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
MOST_TIMES_USUAL = 2.0


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.swaps", description=__doc__)
    parser.add_argument("--rate", type=int, default=200, help="requests a second (200)")
    parser.add_argument("--seconds", type=int, default=10, help="seconds of a stretch (10)")
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
        found = np.concatenate(stretches)
        p50, p99, p999 = (1e3 * np.quantile(found, q) for q in (0.5, 0.99, 0.999))
        print(
            f"{name:9} p50 {p50:6.2f} ms  p99 {p99:6.2f} ms  p99.9 {p999:7.2f} ms  longest {1e3 * max(found):7.2f} ms"
            f"  {len(found):,} answers"
        )
    ratios = [np.quantile(two, 0.99) / np.quantile(one, 0.99) for one, two in zip(usual, swapping, strict=True)]
    ratio = float(np.median(ratios))  # of pairs: a machine that stalls once does not decide
    print(
        f"p99 while swapping over the usual, by round: {', '.join(f'{each:.2f}' for each in ratios)}; "
        f"median {ratio:.2f} (at most {MOST_TIMES_USUAL:g})"
    )
    return 0 if ratio <= MOST_TIMES_USUAL else 1


def _measure(arguments: argparse.Namespace) -> tuple[list[list[float]], list[list[float]]]:
    """Latencies of each stretch, without swaps and with them, seconds."""
    found: dict[bool, list[list[float]]] = {False: [], True: []}
    with tempfile.TemporaryDirectory(prefix="swaps-") as place:
        root = Path(place) / "models"
        shutil.copytree(ROOT / "models", root)
        names = _second_version(root)
        contender = ours(root)
        with running(contender, cores().server, Path(place), keep_log=False) as server:
            if arguments.free:
                _free(server.pid)
            asyncio.run(_stretch(server.port, contender, arguments.rate, 2, None))
            for _ in range(arguments.rounds):
                for swaps in False, True:
                    change = (root, names, arguments.every) if swaps else None
                    stretch = _stretch(server.port, contender, arguments.rate, arguments.seconds, change)
                    found[swaps].append(asyncio.run(stretch))
    return found[False], found[True]


def _second_version(root: Path) -> tuple[str, str]:
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
    """Activate a version whose files look new, so that it is tried in quarantine first; the disk may take a while."""
    (root / MODEL / version / MANIFEST).touch()
    activate(root, MODEL, version)


async def _stretch(
    port: int, contender: Contender, rate: int, seconds: float, change: tuple[Path, tuple[str, str], float] | None
) -> list[float]:
    """Latencies of one stretch, seconds."""
    head = (
        f"POST {contender.path} HTTP/1.1\r\nHost: x\r\nX-API-Key: {KEY}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(contender.body)}\r\n\r\n"
    ).encode()
    free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await asyncio.open_connection("127.0.0.1", port))
    found: list[float] = []

    async def one(due: float) -> None:
        reader, writer = await free.get()
        writer.write(head + contender.body)
        told = await reader.readuntil(b"\r\n\r\n")
        if not told.startswith(b"HTTP/1.1 200"):
            raise BenchmarkFailed(told[:60].decode("latin-1"))
        length = next(int(line[15:]) for line in told.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        await reader.readexactly(length)
        found.append(time.perf_counter() - due)
        free.put_nowait((reader, writer))

    began = time.perf_counter()
    swapped, number = began, 0
    async with asyncio.TaskGroup() as group:
        for count in range(int(rate * seconds)):
            due = began + count / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            group.create_task(one(due))
            if change and due - swapped >= change[2]:
                number, swapped = number + 1, due
                group.create_task(asyncio.to_thread(_swap, change[0], change[1][number % 2]))
    while not free.empty():
        free.get_nowait()[1].close()
    return found


if __name__ == "__main__":
    sys.exit(main())
