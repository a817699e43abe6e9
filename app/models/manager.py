"""The model manager: which versions of which models are loaded, and which version answers."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from app.bundle.rollout import RolloutSpec
from app.bundle.store import is_version
from app.errors import BundleError, CallError, InvalidOutput, ModelNotFound, ModelNotReady
from app.models.loaded import LoadedModel, Observer, Prepare, Recorder
from app.models.state import ModelState, Rollout, VersionState
from app.models.store import Fingerprint, ModelStore
from app.models.worker_notes import WorkerNotes
from app.runtime.predictor import Predictor
from app.telemetry.metrics import Registry

MAX_ON_REQUEST = 4
"""Maximum number of versions that stay loaded in addition to the active ones, because callers requested them."""

_EXPECTED = (LookupError, TypeError, ValueError)
_log = logging.getLogger(__name__)


class ModelManager:
    """The one owner of loaded models.

    Reads take no lock: each is one look-up in a mapping whose values are never changed in place. Every write is made
    under one lock. Loading takes about a second and is not a write: loads take turns under a lock of their own, and
    the result is then put in place.
    """

    def __init__(
        self,
        names: Iterable[str],
        metrics: Registry | None = None,
        store: ModelStore | None = None,
        prepare: Prepare = lambda manifest: {},
        recorder: Recorder | None = None,
        observers: Sequence[Observer] = (),
    ) -> None:
        """Initialize the model manager.

        Args:
            names: Names of the models to serve.
            metrics: Registry of the process's metrics; by default a new one.
            store: The versions on disk; without a store, only predictors passed to `add` answer.
            prepare: Builds the objects of each loaded version, see `LoadedModel.prepared`.
            recorder: Keeps the rows that each loaded version answers; by default none are kept.
            observers: See the runs of every version.
        """
        self.metrics = metrics or Registry()
        self._store = store
        self._prepare = prepare
        self._recorder = recorder
        self._observers = tuple(observers)
        self._states = {name: ModelState() for name in names}  # the keys never change
        self._on_request: Mapping[tuple[str, str], LoadedModel] = {}  # replaced as a whole, oldest entry first
        self._lock = threading.RLock()
        self._loading = threading.Lock()

    # Reads

    @property
    def names(self) -> tuple[str, ...]:
        """The models to serve."""
        return tuple(self._states)

    @property
    def ready(self) -> bool:
        """Whether every model can answer, except those that were deactivated on purpose."""
        states = self._states.values()
        return all(s.active.predictor.ready if s.active else s.deactivated for s in states)

    def get(self, name: str, version: str | None = None) -> LoadedModel:
        """The version that answers. Call it once per request, so that the version cannot change in between.

        Args:
            name: Name of the model.
            version: A version; it is loaded if it is not loaded yet, see `is_slow`. None is the active version, or the
                candidate if the call is one of its canary's.

        Raises:
            ModelNotFound: If there is no such model or version.
            ModelNotReady: If the version is not loaded and cannot be loaded; the log has the reason.
        """
        if version is not None:
            return self.loaded(name, version) or self._load_on_request(name, version)
        state = self.state(name)
        if state.active is None:
            raise ModelNotReady
        return state.active if state.rollout is None else state.rollout.choose(state.active)

    def state(self, name: str) -> ModelState:
        """What is known of a model.

        Raises:
            ModelNotFound: If there is no such model.
        """
        try:
            return self._states[name]
        except KeyError:
            raise ModelNotFound from None

    def loaded(self, name: str, version: str) -> LoadedModel | None:
        """A version, if it is loaded."""
        state = self._states.get(name)
        if state is not None and state.active is not None and state.active.manifest.version == version:
            return state.active
        return self._loaded_inactive(name, version)

    def _loaded_inactive(self, name: str, version: str) -> LoadedModel | None:
        state = self._states.get(name)
        if state is not None and state.rollout is not None and state.rollout.candidate.manifest.version == version:
            return state.rollout.candidate
        return self._on_request.get((name, version))

    def is_slow(self, name: str, version: str | None = None) -> bool:
        """Whether a call waits for another machine, or for a version to be loaded: keep it off the event loop."""
        state = self._states.get(name)
        model = (state.active if state else None) if version is None else self.loaded(name, version)
        return model.predictor.remote if model else version is not None

    def is_ready(self, name: str, version: str | None = None) -> bool:
        """Whether a version answers at once; loads nothing.

        Raises:
            ModelNotFound: If there is no such model or version.
        """
        active = self.state(name).active
        if version is not None and version not in self.versions(name):
            raise ModelNotFound
        model = active if version is None else self.loaded(name, version)
        return model is not None and model.predictor.ready

    def versions(self, name: str) -> tuple[str, ...]:
        """The versions of a model that a caller can ask for, lowest first, including bad ones.

        Raises:
            ModelNotFound: If there is no such model.
        """
        active = self.state(name).active
        known = {active.manifest.version} if active else set()
        try:
            known.update(self._store.versions(name) if self._store else ())
        except BundleError:
            pass  # the folder cannot be listed: the active version is all that is known
        return tuple(sorted(known, key=int))

    def states(self, name: str) -> list[VersionState]:
        """A model's versions, lowest first, whether each answers, and if not, why.

        Raises:
            ModelNotFound: If there is no such model.
        """
        try:
            spec = self.wanted_rollout(name)
        except BundleError:
            spec = None
        return [self._version_state(name, version, spec) for version in self.versions(name)]

    def _version_state(self, name: str, version: str, spec: RolloutSpec | None) -> VersionState:
        tried = spec.summary if spec is not None and spec.version == version else ""
        if self.loaded(name, version):
            return VersionState(name, version, "READY", tried)
        fault = self._store.fault(name, version) if self._store else ""
        return VersionState(name, version, "UNAVAILABLE", fault or "; ".join(filter(None, ("not loaded", tried))))

    # Writes

    def add(self, predictor: Predictor) -> None:
        """Make a predictor the active version of its model."""
        self.activate(self._wrap(predictor))

    def load(self, name: str, version: str, quarantined: bool = True) -> LoadedModel:
        """Load a version, to activate it; a version that a caller asked for earlier is loaded already.

        Args:
            name: Name of the model.
            version: Version of the model.
            quarantined: See `ModelStore.open`.

        Raises:
            BundleError: If the version is bad.
            ModelNotReady: If the version cannot be loaded now.
        """
        with self._loading:
            return self._loaded_inactive(name, version) or self._open(name, version, quarantined)

    def activate(self, model: LoadedModel, expected: ModelState | None = None) -> bool:
        """Make a version the active one; calls in progress finish on the version that they hold.

        Args:
            model: The loaded version.
            expected: Do nothing if the model's state is another one by now. None: activate in any case.

        Returns:
            Whether the version is active.
        """
        name, version = model.manifest.name, model.manifest.version
        with self._lock:
            before = self._states[name]
            if expected is not None and before is not expected:
                return False
            self._states[name] = ModelState(model)
            if before.active is not None:
                before.active.metrics.retire()
            model.metrics.activate()
            self._drop(lambda key: key == (name, version))
            if self._store is not None:
                self._store.notes.set_active(name, version)
        return True

    def set_rollout(self, name: str, rollout: Rollout | None, expected: ModelState | None = None) -> bool:
        """Begin to try a version beside the active one, or end it.

        Args:
            name: Name of the model.
            rollout: The rollout; None ends the present one. The model's next active version ends it as well.
            expected: Do nothing if the model's state is another one by now. None: set it in any case.

        Returns:
            Whether the rollout is set.
        """
        with self._lock:
            before = self._states[name]
            if expected is not None and before is not expected:
                return False
            self._states[name] = replace(before, rollout=rollout)
        return True

    def deactivate(self, name: str, persist: bool = True) -> None:
        """Let no version of a model answer.

        Args:
            name: Name of the model.
            persist: Write it to the model's pointer, so that every worker follows. If the pointer cannot be written,
                the model is deactivated in this process alone.

        Raises:
            ModelNotFound: If there is no such model.
        """
        with self._lock:
            before = self.state(name)
            local_only = False
            try:
                if persist and self._store is not None:
                    self._store.deactivate(name)
            except BundleError as error:
                _log.warning("%s is deactivated in this process alone: %s", name, error)
                local_only = True
            self._states[name] = ModelState(deactivated=True, local_only=local_only)
            if before.active is not None:
                before.active.metrics.retire()
            self._drop(lambda key: key[0] == name)

    def reactivate(self, name: str) -> None:
        """Undo `deactivate`, in every worker: the version that the store names answers again. Takes about a second.

        Raises:
            ModelNotFound: If there is no such model.
            ModelNotReady: If the version cannot be loaded; the log has the reason.
        """
        state = self.state(name)
        if self._store is None:
            raise ModelNotReady
        try:
            with self._lock:
                self._store.reactivate(name)
            version = self._store.active(name)
            if version is not None and (state.active is None or state.active.manifest.version != version):
                self.activate(self.load(name, version), expected=state)  # a deactivation meanwhile prevails
        except BundleError as error:
            _log.error("%s cannot be loaded: %s", name, error)
            raise ModelNotReady from None

    # What the reloader and the supervisor need

    def wanted_version(self, name: str) -> str | None:
        """The version that should answer, by the store; None if the model is deactivated.

        Raises:
            BundleError: If the store cannot be read.
        """
        return self._store.active(name) if self._store else None

    @property
    def notes(self) -> WorkerNotes:
        """The files by which the workers inform each other."""
        return self._store.notes if self._store else WorkerNotes()

    def wanted_rollout(self, name: str) -> RolloutSpec | None:
        """See `ModelStore.rollout`."""
        return self._store.rollout(name) if self._store else None

    def stop_rollout(self, name: str, id: str, reason: str) -> None:
        """See `ModelStore.stop_rollout`."""
        if self._store is not None:
            self._store.stop_rollout(name, id, reason)

    def fingerprint(self, name: str, version: str) -> Fingerprint:
        """See `ModelStore.fingerprint`."""
        return self._store.fingerprint(name, version) if self._store else ()

    def prune(self, name: str) -> None:
        """Drop loaded versions that are no longer on disk, except the active one.

        Raises:
            BundleError: If the folder cannot be listed.
        """
        if self._store is None or not any(key[0] == name for key in self._on_request):
            return
        on_disk = self._store.versions(name)
        with self._lock:
            self._drop(lambda key: key[0] == name and key[1] not in on_disk)

    def check_active(self) -> None:
        """Try the versions that a new worker would load, in child processes.

        Raises:
            BundleError: If a version is bad.
        """
        for name in self.names:
            version = self.wanted_version(name)
            if version is not None and self._store is not None:
                self._store.check(name, version)

    def _load_on_request(self, name: str, version: str) -> LoadedModel:
        state = self.state(name)
        if not is_version(version) or version not in self.versions(name):
            raise ModelNotFound
        if state.deactivated:
            raise ModelNotReady
        with self._loading:  # concurrent requests for the same version load it once
            model = self.loaded(name, version) or self._open_logged(name, version)
            with self._lock:
                if self._states[name].deactivated:
                    raise ModelNotReady
                if self.loaded(name, version) is None:
                    kept = list(self._on_request.items())[-(MAX_ON_REQUEST - 1) :]
                    self._on_request = dict([*kept, ((name, version), model)])
        return model

    def _open_logged(self, name: str, version: str) -> LoadedModel:
        was_known = bool(self._store and self._store.fault(name, version))
        try:
            return self._open(name, version, quarantined=True)
        except BundleError as error:
            if not was_known:
                _log.error("version %s of %s was requested and is rejected: %s", version, name, error)
            raise ModelNotReady from None

    def _open(self, name: str, version: str, quarantined: bool) -> LoadedModel:
        if self._store is None:
            raise ModelNotReady
        return self._wrap(self._store.open(name, version, quarantined))

    def _wrap(self, predictor: Predictor) -> LoadedModel:
        manifest = predictor.manifest
        try:
            model = LoadedModel(predictor, self.metrics, self._prepare(manifest))
        except InvalidOutput:
            raise BundleError(
                f"{manifest.name} {manifest.version}: the output for the explanation's background is not a valid answer"
            ) from None
        except CallError:  # of the model server; it may answer later
            raise ModelNotReady from None
        except Exception as error:  # whatever the manifest says, it is the bundle's fault
            reason = f"{type(error).__name__}: {error}" if isinstance(error, _EXPECTED) else type(error).__name__
            raise BundleError(f"{manifest.name} {manifest.version}: does not fit its domain: {reason}") from error
        model.recorder = self._recorder
        for observer in self._observers:
            model.add_observer(observer)
        return model

    def _drop(self, matches: Callable[[tuple[str, str]], bool]) -> None:
        self._on_request = {key: model for key, model in self._on_request.items() if not matches(key)}
