"""Shipping of complete files of records: their conversion to Parquet and their upload, in a thread of its own.

Any file that no process writes is shipped, those of a killed process included. What cannot be shipped stays in the
folder, within its bound, and is tried again.
"""

import logging
import os
import subprocess  # nosec B404
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from app.errors import ObjectsError, RecordsError
from app.object_store import ObjectStore
from app.records.files import JSON_LINES, PARQUET
from app.records.folder import lock
from app.records.metrics import DROPPED
from app.records.reading import KIND, read_records
from app.telemetry.metrics import Registry

SCAN_SECONDS = 30.0
"""Seconds between two checks for files of processes that were killed."""
RETRY_SECONDS = 5.0
"""Seconds after which a failed upload or conversion is tried again; doubled up to `MAX_RETRY_SECONDS`."""
MAX_RETRY_SECONDS = 60.0
CONVERSION_SECONDS = 300.0
"""Maximum duration of a conversion."""
STOP_SECONDS = 5.0
"""Maximum number of seconds for which the end of the process waits for the thread; the next start ships the rest."""
_MEDIA_TYPES = {JSON_LINES: "application/x-ndjson", PARQUET: "application/vnd.apache.parquet"}
_log = logging.getLogger(__name__)


class Shipper:
    """Converts and uploads complete files."""

    def __init__(
        self,
        folder: Path,
        metrics: Registry,
        converts: bool,
        open_store: Callable[[], ObjectStore] | None = None,
        prefix: str = "",
    ) -> None:
        """Initialize the shipper.

        Args:
            folder: Folder of the files.
            metrics: Registry of the process's metrics.
            converts: Whether files become Parquet files.
            open_store: Opens the bucket that files are moved to; None: they stay in the folder.
            prefix: Beginning of the objects' names, without a final slash; may be empty.
        """
        self._folder = folder
        self._converts = converts
        self._open_store, self._prefix = open_store, f"{prefix}/" if prefix else ""
        self._lost = metrics.counter(DROPPED, "bucket")
        self._store: ObjectStore | None = None
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._fault = ""
        self._thread = threading.Thread(target=self._run, name="records-shipping", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def wake(self) -> None:
        """Ship what is complete now."""
        self._wake.set()

    def stop(self) -> None:
        """Ship what is complete, for at most `STOP_SECONDS`."""
        self._stopping.set()
        self._wake.set()
        self._thread.join(STOP_SECONDS)

    def on_deleted(self, path: Path) -> None:
        """Count the records of a file that is deleted before it was uploaded."""
        if self._open_store is None:
            return
        try:
            self._lost.inc(_count(path))
        except RecordsError:
            return
        _log.error("records are dropped: %s was deleted to make room before it was uploaded", path)

    def ship(self) -> bool:
        """Ship every complete file; return whether nothing is left."""
        suffixes = (JSON_LINES, PARQUET) if self._open_store else (JSON_LINES,)
        for path in sorted(self._folder.glob(f"{KIND}*")):
            if not path.name.endswith(suffixes):
                continue
            try:
                self._ship(path)
            except (OSError, ObjectsError) as error:
                self._report(error)
                return False
        if self._fault:
            self._fault = ""
            _log.info("records are shipped again")
        return True

    def _ship(self, path: Path) -> None:
        try:
            descriptor = os.open(path, os.O_RDWR)
        except FileNotFoundError:  # another worker was faster
            return
        try:
            try:
                lock(descriptor)
            except BlockingIOError:
                return
            if not path.exists():
                return
            if self._converts and path.name.endswith(JSON_LINES):
                _convert(path)
                path = path.with_suffix(PARQUET)
                if not path.exists():
                    return
            if self._open_store is not None:
                self._upload(path)
        finally:
            os.close(descriptor)

    def _upload(self, path: Path) -> None:
        if self._open_store is None:
            return
        if self._store is None:
            self._store = self._open_store()
        self._store.write(f"{self._prefix}{path.name}", path, _MEDIA_TYPES[path.suffix])
        path.unlink(missing_ok=True)

    def _run(self) -> None:
        pause = RETRY_SECONDS
        while True:
            is_last = self._stopping.is_set()
            self._wake.clear()
            try:
                is_done = self.ship()
            except Exception as error:  # the thread goes on
                self._report(error)
                is_done = False
            if is_last:
                return
            if is_done:
                pause = RETRY_SECONDS
                self._wake.wait(SCAN_SECONDS)
            else:
                self._stopping.wait(pause)
                pause = min(2 * pause, MAX_RETRY_SECONDS)

    def _report(self, error: Exception) -> None:
        """Log an error, unless the one before was of its kind: its text may have a duration in it."""
        kind = type(error).__name__
        if kind != self._fault:
            self._fault = kind
            _log.error("records stay in %s: %s", self._folder, getattr(error, "strerror", None) or str(error) or kind)


def _convert(path: Path) -> None:
    """Convert a file in a child process.

    Raises:
        OSError: If the conversion fails; the message gives the reason.
    """
    environment = {"PYTHONPATH": os.pathsep.join(each or "." for each in sys.path), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "app.records.parquet", str(path)]
    try:
        child = subprocess.run(  # nosec B603
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=CONVERSION_SECONDS
        )
    except subprocess.TimeoutExpired:
        raise OSError(f"{path.name}: the conversion to Parquet takes too long") from None
    if child.returncode:
        reason = child.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2][:300]
        raise OSError(f"{path.name}: cannot be converted to Parquet: {reason or child.returncode}")


def _count(path: Path) -> int:
    if path.name.endswith(PARQUET):
        return sum(1 for _ in read_records([path]))
    with path.open("rb") as file:
        return sum(1 for _ in file)
