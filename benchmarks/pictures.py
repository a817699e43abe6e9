"""``python -m benchmarks.pictures``: pictures per second on one core, and p99 of beers during full picture load."""

import argparse
import base64
import contextlib
import io
import json
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

from app.settings import Settings
from benchmarks.__main__ import cores
from benchmarks.contenders import ours
from benchmarks.measure import Cores, Figures
from benchmarks.model_servers import OURS, serving
from benchmarks.servers import KEY, ROOT, BenchmarkFailed, Contender, running
from benchmarks.wrk import drive

MAX_RATIO = 5.0
_AHEAD = 1.0
"""Seconds by which the picture load starts before and ends after the beer load."""


def main() -> int:
    """Measure and print the ratio; return 1 if it exceeds the bound."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pictures", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds (5)")
    parser.add_argument("--seconds", type=float, default=5.0, help="seconds of each load (5)")
    parser.add_argument("--models", type=Path, default=ROOT / "models", help="folder of bundles (models/)")
    parser.add_argument(
        "--model-core", type=int, help="run the models in a second process, a model server on this core"
    )
    arguments = parser.parse_args()
    models = arguments.models.resolve()
    try:
        with _service(models, arguments.model_core) as beer:
            rounds = [_round(beer, cores(), arguments.seconds) for _ in range(arguments.rounds)]
    except BenchmarkFailed as failure:
        print(f"No report: {failure}", file=sys.stderr)
        return 1
    for key in rounds[0]:
        print(f"{median(figures[key] for figures in rounds):10.2f}  {key}")
    ratio = median(figures["beer_busy_p99_ms"] / figures["beer_idle_p99_ms"] for figures in rounds)
    print(f"{ratio:10.2f}  beer p99 busy over idle (maximum {MAX_RATIO:g})")
    return 0 if ratio <= MAX_RATIO else 1


@contextlib.contextmanager
def _service(models: Path, core: int | None) -> Iterator[Contender]:
    """Describe the service, with a model server if a core is given."""
    if core is None:
        yield ours(models)
        return
    with serving(OURS, core, models, "cat-dog") as server:
        environment = {"MODEL_SERVER": f"grpc://{server.target}", "MODEL_SERVER_API_KEY": KEY}
        yield replace(ours(models), environment={**ours(models).environment, **environment})


def picture() -> bytes:
    """Generate a JPEG of 640 x 480 pixels, about as detailed as a photo."""
    grid = np.random.default_rng(0).integers(0, 256, (60, 80, 3)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(grid).resize((640, 480), Image.Resampling.BICUBIC).save(file, "JPEG", quality=85)
    return file.getvalue()


def _round(beer: Contender, pinned: Cores, seconds: float) -> Figures:
    body = json.dumps({"image_b64": base64.b64encode(picture()).decode("ascii")}).encode()
    pets = replace(beer, name="pictures", path="/pets/predict", body=body)
    capacity = Settings.model_fields["thread_pool_size"].default + 1  # one waits, so no thread is idle
    with tempfile.TemporaryDirectory(prefix="pictures-") as folder_name, ThreadPoolExecutor(1) as executor:
        folder, other = Path(folder_name), Path(folder_name, "other")
        other.mkdir()
        with running(beer, pinned.server, folder) as server:
            drive(server, beer, pinned.load, 1.0, folder)
            idle = drive(server, beer, pinned.load, seconds, folder)
            alone = drive(server, pets, pinned.load, seconds, folder, 1)
            full = drive(server, pets, pinned.load, seconds, folder, capacity)
            background = executor.submit(drive, server, pets, pinned.load, seconds + 2 * _AHEAD, other, capacity)
            drive(server, beer, pinned.load, _AHEAD, folder)
            busy = drive(server, beer, pinned.load, seconds, folder)
            background.result()
    return {
        "picture_p50_ms": alone.p50_ms,
        "picture_p99_ms": alone.p99_ms,
        "pictures_a_second": full.requests_a_second,
        "picture_cpu_ms": full.cpu_us / 1000,
        "beer_idle_p99_ms": idle.p99_ms,
        "beer_busy_p99_ms": busy.p99_ms,
    }


if __name__ == "__main__":
    sys.exit(main())
