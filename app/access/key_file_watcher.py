"""The watch over the file of keys: what changes there counts within a second, what is broken does not count at all."""

import logging
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from app.access.keyfile import read_keys
from app.access.keys import KeyRing, Principal
from app.access.rates import parse_rate
from app.errors import SettingsError
from app.telemetry.metrics import Family, Registry

if TYPE_CHECKING:
    from limits import RateLimitItem

INTERVAL = 0.25
"""Seconds between looks."""

AGE = Family("api_keys_file_age_seconds", "Since the file of keys was last changed.", "gauge", merge="age")
BROKEN = Family(
    "api_keys_file_broken", "1 while the file of keys is broken and the last good keys count.", "gauge", merge="max"
)
KEYS = Family("api_keys", "Keys that are known, expired ones among them.", "gauge", merge="max")
_log = logging.getLogger(__name__)
_Signature = tuple[int, int, int, int]


class KeyFileWatcher:
    """Keeps a key ring at what stands in a file.

    A look is one stat call in a thread of its own: nothing of it is on a request's way, it needs no request to come,
    and a folder on a network that hangs holds up nobody.
    """

    def __init__(
        self,
        path: Path,
        ring: KeyRing,
        fixed: Mapping[bytes, Principal],
        rate: "RateLimitItem | None",
        metrics: Registry,
    ) -> None:
        """Initialize the key file watcher.

        Args:
            path: The file.
            ring: Gets the keys.
            fixed: Keys that count beside those of the file.
            rate: Of keys that have none of their own.
            metrics: Holds the figures.
        """
        self._path, self._ring, self._fixed = path, ring, fixed
        self._rate = rate
        self._values = metrics.values
        self._age, self._broken, self._keys = (metrics.place(family) for family in (AGE, BROKEN, KEYS))
        self._signature: _Signature | None = None

    def load(self) -> None:
        """Take over the file's keys.

        Raises:
            SettingsError: It is missing or broken; the ring is as it was.
        """
        self._signature = self._look()
        stored = read_keys(self._path).keys
        own = {
            bytes.fromhex(key.sha256): Principal(
                key.id,
                key.scopes,
                expires=key.expires.timestamp() if key.expires else None,
                rate=parse_rate(key.rate) if key.rate else self._rate,
            )
            for key in stored
        }
        self._ring.replace({**own, **self._fixed})
        self._values[self._keys] = len(self._ring)
        self._values[self._broken] = 0.0
        if self._signature:
            self._values[self._age] = self._signature[0] / 1e9

    def check(self) -> None:
        """Take over the file's keys if it has changed; say so, once for each change, if it is broken."""
        if self._look() == self._signature:
            return
        try:
            self.load()
        except SettingsError as error:
            self._values[self._broken] = 1.0
            _log.error("%s; the last good keys still count", error)
        else:
            _log.info("took over %d keys", len(self._ring))

    def follow(self) -> None:
        """Look again and again, until the program ends."""
        threading.Thread(target=self._follow, name="keys", daemon=True).start()

    def _follow(self) -> None:
        pause = threading.Event()
        while not pause.wait(INTERVAL):
            try:
                self.check()
            except Exception:  # whatever it is, the next look may go well
                _log.exception("the file of keys could not be looked at")

    def _look(self) -> _Signature | None:
        try:
            status = os.stat(self._path)
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ino, status.st_size, status.st_ctime_ns
