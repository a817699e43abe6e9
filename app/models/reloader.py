"""The reloader: takes up changes among the bundles on disk while the program runs."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Protocol

from app.errors import BundleError, CallError
from app.models.changes import Change
from app.models.manager import ModelManager
from app.models.state import ModelState
from app.models.store import Fingerprint
from app.runtime.memory import release_memory
from app.telemetry.heartbeats import Heartbeat

INTERVAL = 0.1
"""Seconds between two scans; a scan costs a few system calls per model."""

_Candidate = tuple[str, Fingerprint]
_log = logging.getLogger(__name__)


class RolloutScan(Protocol):
    """Applies changes of rollouts."""

    def scan(self, name: str) -> None:
        """Take up changes of one model's rollout."""

    def stop(self) -> None:
        """End what is on, after the last scan."""


class ModelReloader:
    """Keeps a model manager at what is on disk.

    The scans run in a thread of their own: no request waits for them, and a network folder that hangs delays nobody.
    A version that is still being copied is left alone until its files are unchanged between two scans.
    """

    def __init__(
        self,
        manager: ModelManager,
        observe: Callable[[Change], None] = lambda change: None,
        rollouts: RolloutScan | None = None,
    ) -> None:
        """Initialize the model reloader.

        Args:
            manager: The loaded models.
            observe: Called with every change, in the reloader's thread.
            rollouts: Applies changes of rollouts, after those of the versions.
        """
        self._manager = manager
        self._observe = observe
        self._rollouts = rollouts
        self._seen: dict[str, _Candidate] = {}
        self._tried: dict[str, _Candidate] = {}
        self._faults: dict[str, str] = {}
        self._heartbeat = Heartbeat(manager.metrics, "models")
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._memory_released = True

    def start(self) -> None:
        """Scan until `stop` is called; a second call has no effect."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="models", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the scans; a version that is being tried is tried to the end."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        if self._rollouts is not None:
            self._rollouts.stop()

    def _run(self) -> None:
        self._heartbeat.beat()
        while not self._stop.wait(INTERVAL):
            self.scan()
            self._heartbeat.beat()

    def scan(self) -> None:
        """Scan every model once."""
        if not self._memory_released:
            release_memory()
            self._memory_released = True
        for name in self._manager.names:
            try:
                self._scan_model(name)
                if self._rollouts is not None:
                    self._rollouts.scan(name)
            except Exception:  # the next scan may succeed
                _log.exception("the versions of %s cannot be scanned", name)

    def _scan_model(self, name: str) -> None:
        state = self._manager.state(name)
        try:
            version = self._manager.wanted_version(name)
        except BundleError as error:
            self._reject(name, "", str(error), 0.0)
            return
        active = state.active.manifest.version if state.active else ""
        if version is None:
            if not state.deactivated:
                self._manager.deactivate(name, persist=False)
                self._report(Change("unloaded", name, active))
        elif state.local_only:
            pass  # deactivated here although the pointer names a version
        elif version == active:
            self._tried.pop(name, None)
            if self._faults.pop(name, None) is not None:
                self._report(Change("kept", name, version))
            self._manager.prune(name)
        else:
            candidate = (version, self._manager.fingerprint(name, version))
            is_settled, self._seen[name] = self._seen.get(name) == candidate, candidate
            if is_settled and self._tried.get(name) != candidate:
                self._take_up(name, candidate, state)

    def _take_up(self, name: str, candidate: _Candidate, state: ModelState) -> None:
        version = candidate[0]
        self._tried[name] = candidate
        start = time.monotonic()
        try:
            activated = self._manager.activate(self._manager.load(name, version), expected=state)
        except BundleError as error:
            self._reject(name, version, str(error), time.monotonic() - start)
            return
        except CallError:  # of the model server; it may answer later
            activated = False
        if activated:
            self._faults.pop(name, None)
            self._report(Change("swapped", name, version, seconds=time.monotonic() - start))
        else:
            self._tried.pop(name)  # the next scan tries again

    def _reject(self, name: str, version: str, reason: str, seconds: float) -> None:
        if self._faults.get(name) == reason:
            return
        self._faults[name] = reason
        _log.error("%s keeps its active version: %s", name, reason)
        self._observe(Change("refused", name, version, reason, seconds))

    def _report(self, change: Change) -> None:
        self._memory_released = False
        _log.info("%s %s %s in %.2f s", change.name, change.version, change.kind, change.seconds)
        self._observe(change)
