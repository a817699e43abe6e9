"""The recorder: takes rows that were answered, and writes them in a thread of its own."""

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

from app.bundle.manifest import Manifest
from app.records.folder import Bounds, LineWriter, make_folder
from app.records.lines import Layout, Run, is_recordable
from app.records.metrics import BYTES, DROPPED, REASONS, RECORDED
from app.records.reading import KIND
from app.runtime.predictor import Array, Arrays
from app.telemetry.heartbeats import Heartbeat
from app.telemetry.ids import current_requests, current_row
from app.telemetry.metrics import Registry

if TYPE_CHECKING:
    from app.records.shipping import Shipper

MAX_ROWS = 10_000
"""Maximum number of rows that wait to be written; a larger run waits alone."""
COLLECT_SECONDS = 0.25
"""Seconds for which rows are collected before they are written: what a killed process loses, and not yet written."""
BEAT_SECONDS = 1.0
"""Seconds between two beats of an idle thread."""
STOP_SECONDS = 3.0
"""Maximum number of seconds for which the end of the process waits for the thread."""
_PIECE = 64 * 1024
"""Bytes of lines from which they are written."""
_TURN = 16
"""Rows after which the thread lets others run."""
_log = logging.getLogger(__name__)


def is_sampled(request_id: bytes, threshold: int) -> bool:
    """Whether a request is recorded: a hash of its id decides, so that all its rows are, in every process.

    Args:
        request_id: The id.
        threshold: The share of the requests, times 2^32.
    """
    return crc32(request_id) < threshold


class Recorder:
    """Writes a share of the rows that are answered. `record` never waits and never fails."""

    def __init__(
        self,
        folder: Path,
        rate: float,
        bounds: Bounds,
        metrics: Registry,
        keeps_text: bool = False,
        shipper: "Shipper | None" = None,
    ) -> None:
        """Initialize the recorder; nothing is recorded before `start`.

        Args:
            folder: Folder of the files.
            rate: Share of the requests.
            bounds: Bounds of the files.
            metrics: Registry of the process's metrics.
            keeps_text: Whether names in the requests are recorded.
            shipper: Converts and uploads complete files.
        """
        self.keeps_text = keeps_text
        """Whether names in the requests are recorded."""
        self._folder = folder
        self._threshold = round(rate * 2**32)
        self._shipper = shipper
        shipped = shipper.wake if shipper else lambda: None
        deleted = shipper.on_deleted if shipper else lambda path: None
        self._writer = LineWriter(folder, KIND, bounds, shipped, deleted)
        self._recorded, self._bytes = metrics.counter(RECORDED), metrics.counter(BYTES)
        self._dropped = {reason: metrics.counter(DROPPED, reason) for reason in REASONS}
        self._heartbeat = Heartbeat(metrics, "records")
        self._layouts: dict[tuple[str, str], Layout | None] = {}
        self._lock = threading.Lock()
        self._runs: list[Run] = []
        self._waiting = 0
        self._is_on = False
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._fault = ""
        self._thread = threading.Thread(target=self._run, name="records", daemon=True)

    def record(
        self,
        manifest: Manifest,
        inputs: Arrays,
        outputs: Mapping[str, Array],
        warnings: Sequence[tuple[int, Mapping[str, object]]] = (),
        rows: Sequence[int] = (),
        texts: Sequence[Mapping[str, object]] = (),
    ) -> None:
        """Record rows that were answered; see `app.models.loaded.Recorder`."""
        if not self._is_on:
            return
        try:
            self._take(manifest, inputs, outputs, warnings, rows, texts)
        except Exception as error:  # a fault here must not become the caller's
            self._dropped["error"].inc(max(map(len, outputs.values()), default=0))
            self._report(f"{type(error).__name__} in a run of {manifest.name}")

    def _take(
        self,
        manifest: Manifest,
        inputs: Arrays,
        outputs: Mapping[str, Array],
        warnings: Sequence[tuple[int, Mapping[str, object]]],
        rows: Sequence[int],
        texts: Sequence[Mapping[str, object]],
    ) -> None:
        count, given, threshold = len(next(iter(outputs.values()))), current_requests(), self._threshold
        if isinstance(given, bytes):
            if crc32(given) >= threshold:
                return
            first = current_row()
            indexes = rows or range(first, first + count)
            run = Run(manifest, time.time(), inputs, outputs, (given,), indexes, warnings, texts, range(count), count)
        else:
            ids = [given[row] for row in rows or range(count)]
            kept = [index for index, each in enumerate(ids) if crc32(each) < threshold]
            if not kept:
                return
            places = range(count)
            run = Run(manifest, time.time(), inputs, outputs, ids, (0,) * count, warnings, texts, places, count)
            if len(kept) < count:
                run, count = _part(run, kept), len(kept)
        if self._layout(manifest) is not None:
            self._offer(run, count)

    def _offer(self, run: Run, count: int) -> None:
        with self._lock:
            if self._waiting and self._waiting + count > MAX_ROWS:
                self._dropped["queue"].inc(count)
                return
            self._waiting += count
            self._runs.append(run)
        if not self._wake.is_set():
            self._wake.set()

    def start(self) -> None:
        """Begin to record."""
        try:
            make_folder(self._folder)
        except OSError as error:
            self._report(error.strerror or type(error).__name__)
        self._is_on = True
        self._thread.start()
        if self._shipper is not None:
            self._shipper.start()

    def stop(self) -> Awaitable[None]:
        """Write what waits, and end."""
        return asyncio.to_thread(self._stop)

    def _stop(self) -> None:
        self._is_on = False
        self._stopping.set()
        self._wake.set()
        self._thread.join(STOP_SECONDS)
        if self._shipper is not None:
            self._shipper.stop()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._heartbeat.beat()
            if self._wake.wait(BEAT_SECONDS):
                self._stopping.wait(COLLECT_SECONDS)
                self._wake.clear()
                self._write_waiting()
            self._writer.check()
        self._write_waiting()
        self._writer.close()
        self._heartbeat.end()

    def _write_waiting(self) -> None:
        with self._lock:
            runs, self._runs = self._runs, []
        runs.reverse()  # so that each is released once it is written
        lines, size, turn = [], 0, 0
        while runs:
            run = runs.pop()
            count = left = len(run.rows)
            try:
                layout = self._layout(run.manifest)
                for line in layout.lines(run) if layout else ():
                    lines.append(line)
                    size += len(line)
                    turn, left = turn + 1, left - 1
                    if size >= _PIECE:
                        self._write(lines)
                        lines, size = [], 0
                    if turn >= _TURN:
                        turn = 0
                        time.sleep(0)
            except Exception as error:  # of one run; it must not end the thread
                self._dropped["error"].inc(left)
                self._report(f"{type(error).__name__} in a run of {run.manifest.name}")
            with self._lock:
                self._waiting -= count
        if lines:
            self._write(lines)

    def _write(self, lines: Sequence[bytes]) -> None:
        data = b"".join(lines)
        try:
            self._writer.write(data)
        except OSError as error:
            self._dropped["disk"].inc(len(lines))
            self._report(error.strerror or type(error).__name__)
            return
        self._recorded.inc(len(lines))
        self._bytes.inc(len(data))
        self._heartbeat.beat()
        if self._fault:
            self._fault = ""
            _log.info("records are written again")

    def _report(self, fault: str) -> None:
        if fault != self._fault:
            self._fault = fault
            _log.error("records are dropped: %s: %s", self._folder, fault)

    def _layout(self, manifest: Manifest) -> Layout | None:
        key = manifest.name, manifest.version
        if key not in self._layouts:
            self._layouts[key] = Layout(manifest) if is_recordable(manifest) else None
        return self._layouts[key]


def _part(run: Run, kept: Sequence[int]) -> Run:
    """Return some of the rows of a run."""
    indexes, places = list(kept), {index: place for place, index in enumerate(kept)}
    return Run(
        run.manifest,
        run.time,
        {name: array[indexes] for name, array in run.inputs.items()},
        {name: array[indexes] for name, array in run.outputs.items()},
        [run.request_ids[index] for index in kept],
        [run.rows[index] for index in kept],
        [(places[index], warning) for index, warning in run.warnings if index in places],
        [run.texts[index] for index in kept] if run.texts else (),
        indexes,
        run.size,
    )
