"""``python -m benchmarks.records``: what recording costs, in one process and without sockets. Takes half a minute.

The same beers are predicted in waves of 16 requests, by a program that records nothing, one that records 1 % of the
requests and one that records all, in turns. The processor time of a request counts every thread, the writer's
included; the event loop's time is what the requests wait for.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from app.composition.program import Program, build
from app.domains.beer.api import BeerApi
from app.models.starting import load_active
from app.records.metrics import DROPPED, RECORDED
from app.records.recorder import COLLECT_SECONDS
from app.settings import load_settings
from app.telemetry.logs import configure_logging
from benchmarks.servers import KEY, ROOT

KINDS = ("off", "sample:0.01", "all")
WAVE = 16
"""Requests that are answered together."""
BEER = {"abv": 5.6, "target_og": 1056.0, "target_fg": 1013.0, "ebc": 17.0, "ph": 4.4}
_HEADERS = [(b"x-api-key", KEY.encode()), (b"content-type", b"application/json")]


@dataclass
class Figures:
    """What was measured of one kind, a value for each round, in microseconds a request."""

    cpu_us: list[float] = field(default_factory=list)
    loop_us: list[float] = field(default_factory=list)


def main() -> int:
    """Measure and print the figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.records", description=__doc__)
    parser.add_argument("--rounds", type=int, default=12, help="stretches of each kind (12)")
    parser.add_argument("--waves", type=int, default=250, help="waves of 16 requests per stretch (250)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="records-") as folder, open(os.devnull, "w") as nowhere:
        os.chdir(folder)
        stderr, sys.stderr = sys.stderr, nowhere  # the access log
        try:
            programs = {kind: _program(kind, Path(folder)) for kind in KINDS}
            figures = asyncio.run(_measure(programs, arguments.rounds, arguments.waves))
        finally:
            sys.stderr = stderr
            os.chdir(ROOT)
    usual = figures["off"]
    for kind, of_kind in figures.items():
        cpu, loop = float(np.median(of_kind.cpu_us)), float(np.median(of_kind.loop_us))
        read = programs[kind].metrics.read()
        rows, lost = (sum(v for (name, _, _), v in read.items() if name == f.name) for f in (RECORDED, DROPPED))
        print(
            f"{kind:12} {cpu:6.1f} us of processor a request ({_ratio(of_kind.cpu_us, usual.cpu_us):.3f} of off), "
            f"{loop:6.1f} us of the event loop ({_ratio(of_kind.loop_us, usual.loop_us):.3f}), "
            f"{rows:,.0f} rows recorded, {lost:,.0f} lost"
        )
    return 0


def _ratio(values: Sequence[float], usual: Sequence[float]) -> float:
    return float(np.median([value / other for value, other in zip(values, usual, strict=True)]))


def _program(kind: str, folder: Path) -> Program:
    os.environ.update(
        API_KEY=KEY,
        MODEL_URI=str(ROOT / "models"),
        RECORD=kind,
        RECORD_PATH=str(folder / kind.partition(":")[0]),
        LOG_LEVEL="INFO",
    )
    configure_logging("INFO")
    program = build(load_settings(), [BeerApi])
    load_active(program.manager)
    return program


async def _measure(programs: dict[str, Program], rounds: int, waves: int) -> dict[str, Figures]:
    figures = {kind: Figures() for kind in programs}
    for program in programs.values():
        program.lifecycle.start()
        await _stretch(program, waves)
    for _ in range(rounds):
        for kind, program in programs.items():
            requests, cpu, loop = waves * WAVE, time.process_time(), time.thread_time()
            await _stretch(program, waves)
            figures[kind].loop_us.append(1e6 * (time.thread_time() - loop) / requests)
            await asyncio.sleep(2 * COLLECT_SECONDS)  # until the writer has written
            figures[kind].cpu_us.append(1e6 * (time.process_time() - cpu) / requests)
    for program in programs.values():
        await program.lifecycle.stop()
    return figures


async def _stretch(program: Program, waves: int) -> None:
    for wave in range(waves):
        beers = [json.dumps({**BEER, "abv": 4 + (wave * WAVE + number) % 40 / 10}).encode() for number in range(WAVE)]
        await asyncio.gather(*(_call(program, beer) for beer in beers))


async def _call(program: Program, body: bytes) -> None:
    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": "/predict",
        "query_string": b"",
        "headers": [*_HEADERS, (b"content-length", b"%d" % len(body))],
        "client": ("127.0.0.1", 1),
    }
    status = 0

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        nonlocal status
        status = message.get("status", status)

    await program.rest(scope, receive, send)
    if status != 200:
        raise RuntimeError(f"status {status}")


if __name__ == "__main__":
    sys.exit(main())
