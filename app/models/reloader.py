"""The follower: what changes among the bundles on disk is taken up while the program runs."""

import ctypes
import logging
import sys
import threading
import time
from collections.abc import Callable

from app.errors import BundleError, ModelNotReady
from app.models.changes import Change
from app.models.registry import ModelRegistry
from app.models.store import ModelStore, Signature

INTERVAL = 0.1
"""Seconds between looks, each a few system calls a model."""

_log = logging.getLogger(__name__)


class ModelReloader:
    """Keeps a registry at what stands on disk.

    It looks from a thread of its own: nothing of it is on a request's way, and a folder on a network that hangs holds
    up nobody. A version that is still being copied is left until it rests between two looks.
    """

    def __init__(
        self, registry: ModelRegistry, candidates: ModelStore, observe: Callable[[Change], None] = lambda change: None
    ) -> None:
        """Initialize the model reloader.

        Args:
            registry: Gets the versions.
            candidates: The versions on disk.
            observe: Told of every change, from the follower's thread.
        """
        self._registry = registry
        self._candidates = candidates
        self._observe = observe
        self._seen: dict[str, tuple[str, Signature]] = {}
        self._tried: dict[str, tuple[str, Signature]] = {}
        self._faults: dict[str, str] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._released = True

    def start(self) -> None:
        """Look again and again until `stop`; a second start does nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._follow, name="models", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Look no more; a version that is being tried is tried to the end."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _follow(self) -> None:
        while not self._stop.wait(INTERVAL):
            self.look()

    def look(self) -> None:
        """Look once at every model."""
        if not self._released:
            self._released = _give_back()
        for name in self._registry.active:
            try:
                self._look_at(name)
            except Exception:  # whatever it is, the next look may go well
                _log.exception("the versions of %s could not be looked at", name)

    def _look_at(self, name: str) -> None:
        try:
            version = self._candidates.active(name)
        except BundleError as error:
            self._refuse(name, "", str(error), 0.0)
            return
        serving = self._registry.active[name]
        if version is None:
            if name not in self._registry.idle:
                self._registry.retire(name)
                self._changed(Change("unloaded", name, serving.manifest.version if serving else ""))
            return
        if name in self._registry.held:
            return
        if serving is not None and serving.manifest.version == version:
            self._tried.pop(name, None)
            if self._faults.pop(name, None) is not None:
                self._changed(Change("kept", name, version))
            self._registry.forget(name, self._candidates.versions(name))
            return
        found = (version, self._candidates.signature(name, version))
        rests, self._seen[name] = self._seen.get(name) == found, found
        if rests and self._tried.get(name) != found:
            self._take_up(name, version, found)

    def _take_up(self, name: str, version: str, found: tuple[str, Signature]) -> None:
        self._tried[name] = found
        began = time.monotonic()
        try:
            served = self._registry.load(name, version)
        except BundleError as error:
            self._refuse(name, version, str(error), time.monotonic() - began)
        except ModelNotReady:
            self._tried.pop(name)  # it may be, at the next look
        else:
            self._registry.serve(served)
            self._faults.pop(name, None)
            self._changed(Change("swapped", name, version, seconds=time.monotonic() - began))

    def _refuse(self, name: str, version: str, reason: str, seconds: float) -> None:
        if self._faults.get(name) == reason:
            return
        self._faults[name] = reason
        _log.error("%s serves on as it did: %s", name, reason)
        self._observe(Change("refused", name, version, reason, seconds))

    def _changed(self, change: Change) -> None:
        self._released = False
        _log.info("%s %s %s in %.2f s", change.name, change.version, change.kind, change.seconds)
        self._observe(change)


def _give_back() -> bool:
    """Give memory that a dropped version has left free back to the system, where the C library can."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, musl does not need it
        if trim is not None:
            trim(0)
    return True
