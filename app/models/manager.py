"""The inference service: the one way in to models."""

import logging
from collections.abc import Iterable

from app.bundle.manifest import Manifest
from app.errors import BundleError, ModelNotFound, ModelNotReady
from app.models.loaded import LoadedModel, Reasons
from app.models.registry import ModelRegistry, VersionState
from app.models.store import ModelStore
from app.runtime.predictor import Array, Arrays, Predictor
from app.runtime.shapley import Rows
from app.telemetry.metrics import Registry

__all__ = ["ModelManager", "Reasons"]

_log = logging.getLogger(__name__)


class ModelManager:
    """Finds a version of a model and runs it. Every door calls it."""

    def __init__(
        self, names: Iterable[str], metrics: Registry | None = None, candidates: ModelStore | None = None
    ) -> None:
        """Initialize the model manager.

        Args:
            names: The models that are to be served; each answers once it is loaded, or `serve` has been given it.
            metrics: Hold the figures of what is asked and answered; by default ones of its own.
            candidates: Versions on disk; without them only what `serve` is given is there.
        """
        self.metrics = metrics or Registry()
        self.registry = ModelRegistry(names, self.metrics, candidates)
        self._active = self.registry.active
        self._candidates = candidates

    @property
    def names(self) -> tuple[str, ...]:
        """The models that are to be served."""
        return tuple(self._active)

    @property
    def ready(self) -> bool:
        """Whether every model can answer, but for those unloaded on purpose."""
        idle = self.registry.idle
        return all(s.predictor.ready if s else name in idle for name, s in self._active.items())

    def serve(self, predictor: Predictor) -> None:
        """Let a predictor answer for its model from now on."""
        self.registry.serve(self.registry.wrap(predictor))

    def served(self, name: str, version: str | None = None) -> LoadedModel:
        """What answers for a model: whoever asks twice asks this once, so that a swap does not come between.

        Args:
            name: The model's name.
            version: The version asked for; None: the one that is active. See `slow`.

        Raises:
            ModelNotFound: No such model or version.
            ModelNotReady: It is not loaded.
        """
        if version is not None:
            return self.registry.version(name, version)
        try:
            served = self._active[name]
        except KeyError:
            raise ModelNotFound from None
        if served is None:
            raise ModelNotReady
        return served

    def predictor(self, name: str, version: str | None = None) -> Predictor:
        """The predictor that answers for a model; see `served`."""
        return self.served(name, version).predictor

    def infer(self, name: str, inputs: Arrays, version: str | None = None) -> tuple[Manifest, dict[str, Array]]:
        """Run a model.

        Args:
            name: The model's name.
            inputs: See `Predictor.predict`.
            version: The version asked for; None: the one that is active. See `slow`.

        Returns:
            The manifest of the version that answered, and its outputs.

        Raises:
            ModelNotFound: No such model or version.
            ModelNotReady: It is not loaded, or away.
        """
        served = self.served(name, version)
        return served.manifest, served.infer(inputs)

    def slow(self, name: str, version: str | None = None) -> bool:
        """Whether a call waits for another machine, or for a version to be loaded: then keep it off the event loop."""
        served = self._active.get(name) if version is None else self.registry.loaded(name, version)
        return served.predictor.remote if served else version is not None

    def explain(self, name: str, row: Rows, version: str | None = None) -> Reasons:
        """Why a model answers a row as it does; takes milliseconds.

        Args:
            name: The model's name; its manifest has an explanation, and it is packed.
            row: Shape (n_inputs,), float32.
            version: See `infer`.

        Returns:
            The reasons, in the order of the manifest's groups.

        Raises:
            ModelNotFound: No such model or version, or none that can be explained.
            ModelNotReady: It is not loaded.
        """
        return self.served(name, version).explain(row)

    def versions(self, name: str) -> tuple[str, ...]:
        """The versions of a model that can be asked for, lowest first; bad ones among them.

        Raises:
            ModelNotFound: No such model.
        """
        return tuple(state.version for state in self.states(name))

    def states(self, name: str) -> list[VersionState]:
        """A model's versions, lowest first: those on disk, whether they answer, and why not.

        Raises:
            ModelNotFound: No such model.
        """
        return self.registry.states(name)

    def is_ready(self, name: str, version: str | None = None) -> bool:
        """Whether a version answers at once; unlike `served`, loads nothing.

        Raises:
            ModelNotFound: No such model or version.
        """
        if version is not None and version not in self.versions(name):
            raise ModelNotFound
        if name not in self._active:
            raise ModelNotFound
        served = self._active[name] if version is None else self.registry.loaded(name, version)
        return served is not None and served.predictor.ready

    def load(self, name: str) -> None:
        """Let a model answer that was unloaded; in every worker, as its pointer says so. Takes about a second.

        Raises:
            ModelNotFound: No such model.
            ModelNotReady: It cannot be loaded; the log says why.
        """
        if name not in self._active:
            raise ModelNotFound
        if self._candidates is None:
            raise ModelNotReady
        try:
            self._candidates.reload(name)
            version = self._candidates.active(name)
            serving = self._active[name]
            if version is not None and (serving is None or serving.manifest.version != version):
                self.registry.serve(self.registry.load(name, version))
        except BundleError as error:
            _log.error("%s cannot be loaded: %s", name, error)
            raise ModelNotReady from None

    def unload(self, name: str) -> None:
        """Let a model answer no more; in every worker, or in this one alone where its pointer cannot be written.

        Raises:
            ModelNotFound: No such model.
        """
        if name not in self._active:
            raise ModelNotFound
        try:
            if self._candidates is not None:
                self._candidates.unload(name)
        except BundleError as error:
            _log.warning("%s is unloaded in this process alone: %s", name, error)
            self.registry.held.add(name)
        self.registry.retire(name)
