"""Applies the rollouts described by the files of the models' folder, and records those that the guard has stopped."""

import logging
import time
from typing import TYPE_CHECKING

from app.bundle.rollout import RolloutSpec
from app.errors import BundleError, CallError
from app.models.loaded import LoadedModel
from app.models.manager import ModelManager
from app.runtime.thread_pool import BoundedThreadPool
from app.traffic.metrics import FAMILIES, STOPPED
from app.traffic.traffic import Traffic

if TYPE_CHECKING:
    from app.traffic.rollout import LiveRollout

RETRY_SECONDS = 2.0
"""Seconds until another attempt to load a candidate that could not be loaded although it may be good."""
CRASHED = "a worker ended while it tried the version"
ACTIVATED = "it became the active version"
GONE = "its files are gone"
_log = logging.getLogger(__name__)


class RolloutWatcher:
    """Keeps the rollouts of this process in step with the files. Runs in the reloader's thread."""

    def __init__(self, traffic: Traffic, manager: ModelManager, pool: BoundedThreadPool) -> None:
        """Initialize the watcher.

        Args:
            traffic: The current rollouts.
            manager: Owns the loaded models.
            pool: Runs shadows.
        """
        self._traffic = traffic
        self._manager = manager
        self._pool = pool
        self._live: dict[str, LiveRollout] = {}
        self._faults: dict[str, str] = {}
        self._retry_at: dict[str, float] = {}
        manager.metrics.families.update({family.name: family for family in FAMILIES})  # of other workers as well

    def scan(self, name: str) -> None:
        """Apply changes of one model's rollout."""
        live = self._live.get(name)
        if live is not None and self._note_breach(live):
            live = None
        if live is not None:
            live.flush()
        try:
            spec = self._manager.wanted_rollout(name)
        except BundleError as error:
            self._report(name, str(error))
            return
        if spec is None and live is None:
            self._faults.pop(name, None)
            return
        state = self._manager.state(name)
        if spec is not None and (spec.stopped or state.active is None or state.active.manifest.version == spec.version):
            if not spec.stopped and self._is_activated(name, spec.version):
                self._write_stop(name, spec.id, ACTIVATED)  # so that it does not start again beside the next version
            spec = None
        if spec is not None and live is not None and not self._manager.fingerprint(name, spec.version):
            self._end(live)
            self._refuse(name, spec, "refused", GONE)
            return
        if live is not None and (spec != live.spec or state.active is not live.active or state.rollout is not live):
            if self._note_breach(live):  # since the check above, and the file has not changed
                return
            self._end(live)
            live = None
        if live is None and spec is not None and state.active is not None:
            self._begin(name, spec, state.active)

    def stop(self) -> None:
        """End all rollouts, at the end of the process."""
        for live in list(self._live.values()):
            self._end(live)

    def _note_breach(self, live: "LiveRollout") -> bool:
        """Record that the guard has stopped a rollout; return whether it has."""
        if live.breach is None:
            return False
        self._forget(live.name)
        self._write_stop(live.name, live.spec.id, live.breach.reason)
        return True

    def _is_activated(self, name: str, version: str) -> bool:
        try:
            return self._manager.wanted_version(name) == version
        except BundleError:
            return False

    def _begin(self, name: str, spec: RolloutSpec, active: LoadedModel) -> None:
        if time.monotonic() < self._retry_at.get(name, 0.0):
            return
        if self._manager.notes.crashed(name, spec.id):
            self._refuse(name, spec, "crash", CRASHED)
            return
        try:
            candidate = self._manager.load(name, spec.version)
            rollout = self._rollout(spec, active, candidate)
        except BundleError as error:
            self._refuse(name, spec, "refused", str(error))
            return
        except CallError:  # of the model server; it may answer later
            self._retry_at[name] = time.monotonic() + RETRY_SECONDS
            return
        self._manager.notes.set_trying(name, spec.id)
        if self._switch_on(rollout):
            self._live[name] = rollout
            _log.info("%s %s is tried beside version %s: %s", name, spec.version, active.manifest.version, spec.summary)
        else:
            self._manager.notes.end_trying(name)

    def _rollout(self, spec: RolloutSpec, active: LoadedModel, candidate: LoadedModel) -> "LiveRollout":
        from app.traffic.canary import Canary  # not needed without a rollout
        from app.traffic.rollout import Trial
        from app.traffic.shadow import Shadow

        trial, metrics = Trial(spec, active, candidate), self._manager.metrics
        if spec.mode == "canary":
            return Canary(trial, metrics, self._switch_off)
        return Shadow(trial, metrics, self._switch_off, self._pool, self._traffic.request_ids)

    def _switch_on(self, live: "LiveRollout") -> bool:
        """Begin a rollout, unless the active version has changed; return whether it has begun."""
        state = self._manager.state(live.name)
        if state.active is not live.active or not self._manager.set_rollout(live.name, live, expected=state):
            return False
        self._traffic.add(live)  # first, so that the runs that it observes have request ids
        live.begin()
        if live.breach is not None:  # already, and `_switch_off` may have come before one of the lines above
            self._switch_off(live)
        return True

    def _switch_off(self, live: "LiveRollout") -> None:
        """Let the active version answer every call from now on. Takes microseconds; may be called in any thread."""
        state = self._manager.state(live.name)
        if state.rollout is live:
            self._manager.set_rollout(live.name, None, expected=state)
        self._traffic.remove(live)
        live.end()

    def _end(self, live: "LiveRollout") -> None:
        self._switch_off(live)
        self._forget(live.name)
        _log.info("%s %s is no longer tried as %s", live.name, live.version, live.spec.mode)

    def _forget(self, name: str) -> None:
        self._live.pop(name, None)
        self._manager.notes.end_trying(name)

    def _refuse(self, name: str, spec: RolloutSpec, kind: str, reason: str) -> None:
        """Stop a rollout that cannot begin."""
        _log.error("%s %s: the %s is stopped: %s", name, spec.version, spec.mode, reason)
        self._manager.metrics.counter(STOPPED, name, spec.version, kind).inc()
        self._write_stop(name, spec.id, reason)

    def _write_stop(self, name: str, id: str, reason: str) -> None:
        try:
            self._manager.stop_rollout(name, id, reason.encode("ascii", "replace").decode("ascii")[:500])
        except BundleError as error:
            _log.warning("the end of a rollout is known to this program alone: %s", error)

    def _report(self, name: str, fault: str) -> None:
        if self._faults.get(name) != fault:
            self._faults[name] = fault
            _log.error("the rollout of %s stays as it is: %s", name, fault)
