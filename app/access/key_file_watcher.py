"""The key-file watcher: applies changes to the key file within a second, and ignores a broken file."""

import logging
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from app.access.key_file import read_keys
from app.access.keys import KeyRing, Principal
from app.access.rates import parse_rate
from app.errors import SettingsError
from app.telemetry.heartbeats import Heartbeat
from app.telemetry.metrics import Family, Registry

if TYPE_CHECKING:
    from limits import RateLimitItem

INTERVAL = 0.25
"""Seconds between checks."""

AGE = Family("api_keys_file_age_seconds", "Seconds since the last change of the key file.", "gauge", merge="age")
BROKEN = Family(
    "api_keys_file_broken", "1 while the key file is broken and the last good keys stay valid.", "gauge", merge="max"
)
KEYS = Family("api_keys", "Number of keys, expired ones included.", "gauge", merge="max")
_log = logging.getLogger(__name__)
_FileState = tuple[int, int, int, int]


class KeyFileWatcher:
    """Keeps a key ring in step with a file.

    A check is one ``stat`` call in a background thread, so a slow network file system delays no request.
    """

    def __init__(
        self,
        path: Path,
        ring: KeyRing,
        static_keys: Mapping[bytes, Principal],
        default_rate: "RateLimitItem | None",
        metrics: Registry,
    ) -> None:
        """Create a watcher; `load` reads the file, and `start` watches it.

        Args:
            path: The key file.
            ring: The key ring to update.
            static_keys: Keys that are valid in addition to those in the file.
            default_rate: Rate of keys without a rate of their own.
            metrics: Registry of the metrics.
        """
        self._path, self._ring, self._static_keys = path, ring, static_keys
        self._default_rate = default_rate
        self._age, self._broken, self._keys = (metrics.gauge(family) for family in (AGE, BROKEN, KEYS))
        self._file_state: _FileState | None = None
        self._heartbeat = Heartbeat(metrics, "key_file")
        self._stopped = threading.Event()

    def load(self) -> None:
        """Read the keys from the file.

        Raises:
            SettingsError: If the file is missing or broken; the key ring is unchanged then.
        """
        self._file_state = self._stat()
        keys = {
            bytes.fromhex(key.sha256): Principal(
                key.id,
                key.scopes,
                expires=key.expires.timestamp() if key.expires else None,
                rate=parse_rate(key.rate) if key.rate else self._default_rate,
            )
            for key in read_keys(self._path).keys
        }
        self._ring.replace({**keys, **self._static_keys})
        self._keys.set(len(self._ring))
        self._broken.set(0.0)
        if self._file_state:
            self._age.set(self._file_state[0] / 1e9)

    def check(self) -> None:
        """Load the file if it has changed. A broken file is logged once per change."""
        if self._stat() == self._file_state:
            return
        try:
            self.load()
        except SettingsError as error:
            self._broken.set(1.0)
            _log.error("%s; the last good keys stay valid", error)
        else:
            _log.info("loaded %d keys", len(self._ring))

    def start(self) -> None:
        """Check the file periodically in a background thread."""
        threading.Thread(target=self._run, name="key file", daemon=True).start()

    def stop(self) -> None:
        """Stop checking."""
        self._stopped.set()

    def _run(self) -> None:
        self._heartbeat.beat()
        while not self._stopped.wait(INTERVAL):
            try:
                self.check()
            except Exception:  # the next check may succeed
                _log.exception("checking the key file failed")
            self._heartbeat.beat()

    def _stat(self) -> _FileState | None:
        try:
            status = os.stat(self._path)
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ino, status.st_size, status.st_ctime_ns
