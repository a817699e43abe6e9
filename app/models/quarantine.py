"""Quarantine: a bundle that appears while the program runs is tried in a child process first.

Native parsers crash on bad files, and a crash ends the process. The bytes to be served are therefore loaded and run in
a child process, with limits on memory and time. Only a bundle that passes is loaded in the serving process.
"""

import os
import resource
import signal
import struct
import subprocess  # nosec B404
import sys
from collections.abc import Collection
from pathlib import Path
from typing import BinaryIO

import numpy as np

from app.bundle.manifest import MANIFEST, MODEL, Manifest, parse_manifest
from app.bundle.store import Bundle, read_bundle
from app.errors import BundleError
from app.runtime.onnx import OnnxPredictor
from app.runtime.predictor import Array

MEMORY = 1 << 30
"""Maximum number of bytes of address space for the bundle, in addition to the child's libraries."""
SECONDS = 20
"""Maximum number of seconds, both of processor time and of wall-clock time."""
PROBES = 4096
"""Number of random rows that are run in addition to the golden rows, which do not reach every branch of a tree."""
_LENGTHS = struct.Struct("!QQ")


def read_quarantined(
    folder: Path, memory: int = MEMORY, seconds: float = SECONDS, approved: Collection[str] = ()
) -> Bundle:
    """Read a bundle, verify its digests, and try it in a child process.

    Args:
        folder: ``<root>/<name>/<version>``.
        memory: Maximum number of bytes of address space for the bundle.
        seconds: Maximum duration.
        approved: See `read_bundle`.

    Returns:
        The bundle, with the bytes that were tried.

    Raises:
        BundleError: If the bundle is altered or not approved, cannot be loaded, fails its golden rows, crashes the
            child, or exceeds a limit.
    """
    bundle = read_bundle(folder, approved)
    manifest, model = bundle.files[MANIFEST], bundle.files[MODEL]
    with subprocess.Popen(  # nosec B603
        [sys.executable, "-m", __name__, str(memory), str(int(seconds))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={"PYTHONPATH": os.pathsep.join(path or "." for path in sys.path)},  # the child does not see the API key
    ) as child:
        try:
            output, _ = child.communicate(_LENGTHS.pack(len(manifest), len(model)) + manifest + model, seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            raise BundleError(f"{folder}: quarantine: it took longer than {seconds:g} s") from None
    if child.returncode != 0:
        raise BundleError(f"{folder}: quarantine: {_reason(child.returncode, output)}")
    return bundle


def _reason(code: int, output: bytes) -> str:
    if code == -signal.SIGXCPU:
        return "it took too long"
    if code < 0:
        return f"it crashed the quarantine process ({signal.Signals(-code).name})"
    lines = output.decode("utf-8", "replace").split("\n")[:-1]  # ONNX Runtime may print lines of its own first
    return lines[-1] if lines else f"the quarantine process ended with {code}"


def _confine(memory: int, seconds: int) -> None:
    used = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + memory, used + memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _read(stream: BinaryIO) -> Bundle:
    manifest_length, model_length = _LENGTHS.unpack(stream.read(_LENGTHS.size))
    files = {MANIFEST: stream.read(manifest_length), MODEL: stream.read(model_length)}
    return Bundle(Path("quarantine"), parse_manifest(files[MANIFEST]), files)


def probes(manifest: Manifest, rows: int = PROBES) -> dict[str, Array]:
    """Make random rows in, around and far beyond the trained ranges, some with missing values; the same in each run.

    Args:
        manifest: Declares the inputs.
        rows: Number of rows.

    Returns:
        The inputs for `Predictor.predict`; empty if an input is not a column of numbers.
    """
    if manifest.packed is None:
        return {}
    generator = np.random.default_rng(0)
    columns = []
    for declared in manifest.inputs:
        low, high = declared.trained_range or (-1.0, 1.0)
        spread = (high - low) or 1.0
        column = generator.uniform(low - spread, high + spread, rows)
        column[: rows // 16] = generator.choice([0.0, -1e9, 1e9, low, high], rows // 16)
        if low >= 0:
            column = np.abs(column)  # a quantity that is never negative
        if declared.optional:
            column[generator.random(rows) < 0.1] = np.nan
        columns.append(column)
    return {manifest.packed: np.stack(columns, axis=1).astype(np.float32)}


def main() -> None:
    """Run the child: read a bundle from stdin, load it, run golden and random rows, and print what is wrong with it."""
    _confine(int(sys.argv[1]), int(sys.argv[2]))
    try:
        bundle = _read(sys.stdin.buffer)
        predictor = OnnxPredictor(bundle)
        rows = probes(bundle.manifest)
        outputs = predictor.predict(rows) if rows else {}
        for name, values in outputs.items():
            if not np.isfinite(values).all():
                raise BundleError(f"output {name} is not finite for every input")
    except BundleError as error:
        print(str(error).removeprefix("quarantine: "))
        raise SystemExit(1) from None
    except (MemoryError, RuntimeError, ValueError) as error:
        print(f"it cannot be run: {type(error).__name__}")
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
