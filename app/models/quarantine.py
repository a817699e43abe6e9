"""Quarantine: a bundle that appears while the program runs is read and tried in a child process first.

Native parsers crash on bad files, and a crash ends the process; a folder may hang, and a file need more memory than the
program has. The bundle is therefore read, loaded and run in a child process, with limits on memory and time. Only a
bundle that passes is loaded in the serving process, which gets the bytes that were tried from the child. The memory is
limited on Linux only.
"""

import json
import os
import select
import signal
import struct
import subprocess  # nosec B404
import sys
import threading
from collections.abc import Collection
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from time import monotonic

import numpy as np

from app.bundle.digests import check_approved, parse_sums, sums_text
from app.bundle.files import MAX_BUNDLE_BYTES, MAX_MANIFEST_BYTES, MAX_SUMS_BYTES
from app.bundle.manifest import MANIFEST, MODEL, Manifest, parse_manifest
from app.bundle.store import Bundle, read_bundle
from app.errors import BundleError
from app.runtime.golden import pack
from app.runtime.onnx import OnnxPredictor
from app.runtime.predictor import Array

if sys.platform != "win32":
    import resource

MEMORY = 320_000_000
"""Maximum number of bytes of address space for the bundle, in addition to the child's libraries.

With those and with the program it stays below 512 MB."""
SECONDS = 20
"""Maximum number of seconds, both of processor time and of wall-clock time."""
PROBES = 4096
"""Number of random rows that are run in addition to the golden rows, which do not reach every branch of a tree."""
_HEADER = struct.Struct("!QQQ")
"""Lengths of a text, of the manifest and of the graph, which follow. The text is ``SHA256SUMS``, or the fault."""
_PIECE = 1_048_576
"""Bytes that are read at once."""
_LONGEST = (MAX_SUMS_BYTES, MAX_MANIFEST_BYTES, MAX_BUNDLE_BYTES)


def read_quarantined(
    folder: Path, memory: int = MEMORY, seconds: float = SECONDS, approved: Collection[str] = ()
) -> Bundle:
    """Read a bundle, verify its digests, and try it, all in a child process.

    Args:
        folder: ``<root>/<name>/<version>``.
        memory: Maximum number of bytes of address space for the bundle.
        seconds: Maximum duration.
        approved: See `read_bundle`.

    Returns:
        The bundle, with the bytes that were tried: the manifest and the graph.

    Raises:
        BundleError: If the bundle is altered or not approved, cannot be loaded, fails its golden rows, crashes the
            child, or exceeds a limit.
    """
    deadline = monotonic() + seconds
    child = subprocess.Popen(  # nosec B603
        [sys.executable, "-m", __name__, str(memory), str(int(seconds))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        env=_environment(),
    )
    watch = threading.Timer(seconds, child.kill)
    if sys.platform == "win32":  # where reading from a pipe has no time limit
        watch.start()
    try:
        text, manifest, model = _exchange(child, {"folder": os.fspath(folder), "approved": sorted(approved)}, deadline)
        code = child.wait(max(0.0, deadline - monotonic()))
    except (TimeoutError, subprocess.TimeoutExpired):
        raise BundleError(f"{folder}: quarantine: it took longer than {seconds:g} s") from None
    finally:
        watch.cancel()
        _end(child)
    if code != 0:
        raise BundleError(f"{folder}: quarantine: {_reason(code, text)}")
    return _accept(folder, text.decode("ascii"), {MANIFEST: manifest, MODEL: model}, approved)


def _environment() -> dict[str, str]:
    """Return the environment of the child, which does not see the API key."""
    environment = {"PYTHONPATH": os.pathsep.join(path or "." for path in sys.path)}
    if sys.platform == "win32":  # which finds its libraries with it
        environment["SYSTEMROOT"] = os.environ.get("SYSTEMROOT", "")
    return environment


def _exchange(child: "subprocess.Popen[bytes]", request: object, deadline: float) -> tuple[bytes, bytes, bytes]:
    """Send the child its request, and receive the three parts of its answer; they are empty if the child crashes."""
    if child.stdin is None or child.stdout is None:
        raise ValueError("the child needs pipes")
    with suppress(BrokenPipeError), child.stdin as stdin:
        stdin.write(json.dumps(request).encode())
    output = child.stdout.fileno()
    lengths = _HEADER.unpack(_receive(output, _HEADER.size, deadline) or bytes(_HEADER.size))
    if any(length > longest for length, longest in zip(lengths, _LONGEST, strict=True)):
        return b"", b"", b""
    text, manifest, model = (_receive(output, length, deadline) for length in lengths)
    return text, manifest, model


def _receive(descriptor: int, size: int, deadline: float) -> bytes:
    """Read a number of bytes; empty if the other side closes early.

    Raises:
        TimeoutError: If the deadline has passed.
    """
    buffer = bytearray(size)
    received = 0
    while received < size:
        _wait_for_bytes(descriptor, deadline)
        if not (piece := os.read(descriptor, min(_PIECE, size - received))):
            return b""
        buffer[slice(received, received + len(piece))] = piece
        received += len(piece)
    return bytes(buffer)


def _wait_for_bytes(descriptor: int, deadline: float) -> None:
    """Wait until bytes can be read; on Windows, reading waits.

    Raises:
        TimeoutError: If the deadline has passed.
    """
    if sys.platform != "win32":
        readable = select.poll()
        readable.register(descriptor, select.POLLIN)
        if readable.poll(max(0.0, deadline - monotonic()) * 1000):
            return
    elif monotonic() < deadline:
        return
    raise TimeoutError


def _end(child: "subprocess.Popen[bytes]") -> None:
    """Kill the child if it still runs. A child that hangs in a system call ends with the call: do not wait for it."""
    child.kill()
    for stream in (child.stdin, child.stdout):
        if stream is not None:
            stream.close()
    with suppress(subprocess.TimeoutExpired):
        child.wait(0.5)


def _accept(folder: Path, sums: str, files: dict[str, bytes], approved: Collection[str]) -> Bundle:
    """Return the bundle that the child has verified, if the bytes are those that ``SHA256SUMS`` lists."""
    digest, listed = check_approved(sums, approved, folder), parse_sums(sums)
    if any(sha256(data).hexdigest() != listed.get(name) for name, data in files.items()):
        raise BundleError(f"{folder}: quarantine: the child's answer is damaged")
    return Bundle(folder, parse_manifest(files[MANIFEST]), files, digest)


def _reason(code: int, text: bytes) -> str:
    if sys.platform != "win32" and code == -signal.SIGXCPU:
        return "it took too long"
    if code < 0:
        return f"it crashed the quarantine process ({signal.Signals(-code).name})"
    return text.decode("utf-8", "replace") or f"the quarantine process ended with {code}"


def _confine(memory: int, seconds: int) -> None:
    if sys.platform == "win32":
        return
    if sys.platform == "linux":
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000", "ascii")  # without memory, the kernel ends this process
        used = int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + memory, used + memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


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


def try_bundle(bundle: Bundle) -> None:
    """Load a bundle, and run golden and random rows, a single row, and the background of its explanation.

    Raises:
        BundleError: If it is bad.
    """
    predictor, manifest = OnnxPredictor(bundle), bundle.manifest
    predictor.predict({name: rows[:1] for name, rows in pack(manifest, manifest.golden.inputs).items()})
    if manifest.explanation is not None:
        predictor.predict(pack(manifest, manifest.explanation.background))
    rows = probes(manifest)
    outputs = predictor.predict(rows) if rows else {}
    for name, values in outputs.items():
        if not np.isfinite(values).all():
            raise BundleError(f"{bundle.folder}: output {name} is not finite for every input")


def main() -> None:
    """Run the child: read a bundle, try it, and write its bytes, or what is wrong with it."""
    request = json.load(sys.stdin)
    output = os.dup(1)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)  # native libraries print lines of their own
    _confine(int(sys.argv[1]), int(sys.argv[2]))
    folder, text, manifest, model = request["folder"], "", b"", b""
    try:
        bundle = read_bundle(Path(folder), request["approved"])
        try_bundle(bundle)
        text, manifest, model = sums_text(bundle.files), bundle.files[MANIFEST], bundle.files[MODEL]
    except BundleError as error:
        fault = str(error).removeprefix(f"{folder}: ")
    except Exception as error:
        fault = f"it cannot be run: {type(error).__name__}"
    encoded = (text or fault).encode("utf-8", "replace")[:MAX_SUMS_BYTES]
    with open(output, "wb", buffering=0) as stream:
        for data in (_HEADER.pack(len(encoded), len(manifest), len(model)), encoded, manifest, model):
            rest = memoryview(data)
            while rest:
                rest = rest[stream.write(rest) :]
    raise SystemExit(0 if text else 1)


if __name__ == "__main__":
    main()
