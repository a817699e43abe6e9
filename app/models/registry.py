"""The registry: which versions of which models are loaded, and which of them answers."""

import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from app.bundle.store import is_version
from app.errors import BundleError, ModelNotFound, ModelNotReady
from app.models.loaded import LoadedModel
from app.models.store import ModelStore
from app.runtime.predictor import Predictor
from app.telemetry.metrics import Registry

MOST_ASKED = 4
"""Versions kept loaded beside the active ones because callers asked for them; the one asked for first goes first."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class VersionState:
    """A version and whether it answers, in the words of the Open Inference Protocol's repository index."""

    name: str
    version: str
    state: Literal["READY", "UNAVAILABLE"]
    reason: str
    """Why it does not answer; empty where it does."""


class ModelRegistry:
    """Loaded versions. Reading `active` is one look-up in a dict; a swap is one assignment."""

    def __init__(self, names: Iterable[str], metrics: Registry, candidates: ModelStore | None = None) -> None:
        """Initialize the model registry.

        Args:
            names: The models that are to be served.
            metrics: Hold the figures of what is asked.
            candidates: Versions on disk; without them only what `serve` is given is there.
        """
        self.active: dict[str, LoadedModel | None] = dict.fromkeys(names)
        """The version that answers, by model; None: none is loaded."""
        self.idle: set[str] = set()
        """Models that are unloaded on purpose."""
        self.held: set[str] = set()
        """Those of them that are so in this process alone, as their pointer cannot be written."""
        self._metrics = metrics
        self._candidates = candidates
        self._asked: dict[tuple[str, str], LoadedModel] = {}
        self._lock = threading.Lock()

    def wrap(self, predictor: Predictor) -> LoadedModel:
        """A predictor as a version that can serve."""
        return LoadedModel(predictor, self._metrics)

    def serve(self, served: LoadedModel) -> None:
        """Let a version answer for its model from now on; calls under way finish on the one before."""
        name = served.manifest.name
        before, self.active[name] = self.active[name], served
        if before is not None:
            before.watch.retire()
        served.watch.answers()
        self.idle.discard(name)
        self.held.discard(name)
        self._asked.pop((name, served.manifest.version), None)

    def retire(self, name: str) -> None:
        """Let no version of a model answer, on purpose."""
        self.idle.add(name)
        before, self.active[name] = self.active[name], None
        if before is not None:
            before.watch.retire()
        for key in [key for key in self._asked if key[0] == name]:
            self._asked.pop(key, None)

    def loaded(self, name: str, version: str) -> LoadedModel | None:
        """A version, where it is loaded."""
        served = self.active.get(name)
        if served is not None and served.manifest.version == version:
            return served
        return self._asked.get((name, version))

    def version(self, name: str, version: str) -> LoadedModel:
        """A version, loaded if it is not yet, which takes about a second.

        Raises:
            ModelNotFound: No such model or version.
            ModelNotReady: It is there and cannot be loaded, or the model is unloaded; the log says why.
        """
        return self.loaded(name, version) or self._load(name, version)

    def load(self, name: str, version: str, checked: bool = True) -> LoadedModel:
        """A version that is to become active, from what is loaded or from disk.

        Args:
            name: The model's name.
            version: Its version.
            checked: See `ModelStore.load`.

        Raises:
            BundleError: It is bad.
            ModelNotReady: It cannot be loaded just now.
        """
        known = self._asked.get((name, version))
        if known is not None:
            return known
        if self._candidates is None:
            raise ModelNotReady
        return self.wrap(self._candidates.load(name, version, checked))

    def states(self, name: str) -> list[VersionState]:
        """A model's versions, lowest first.

        Raises:
            ModelNotFound: No such model.
        """
        if name not in self.active:
            raise ModelNotFound
        return [self._state(name, version) for version in self._numbers(name)]

    def _numbers(self, name: str) -> list[str]:
        active = self.active[name]
        found = {active.manifest.version} if active else set()
        try:
            return sorted(found.union(self._candidates.versions(name) if self._candidates else ()), key=int)
        except BundleError:
            return sorted(found)

    def _state(self, name: str, version: str) -> VersionState:
        if self.loaded(name, version):
            return VersionState(name, version, "READY", "")
        fault = self._candidates.fault(name, version) if self._candidates else ""
        return VersionState(name, version, "UNAVAILABLE", fault or "not loaded")

    def _load(self, name: str, version: str) -> LoadedModel:
        if name not in self.active or not is_version(version) or version not in self._numbers(name):
            raise ModelNotFound
        if self._candidates is None or name in self.idle:
            raise ModelNotReady
        with self._lock:  # one at a time: what many ask for at once is loaded once
            served = self.loaded(name, version)
            if served is None:
                served = self._open(self._candidates, name, version)
                while len(self._asked) >= MOST_ASKED:
                    self._asked.pop(next(iter(self._asked)))
                self._asked[name, version] = served
        return served

    def _open(self, candidates: ModelStore, name: str, version: str) -> LoadedModel:
        known = candidates.fault(name, version)
        try:
            return self.wrap(candidates.load(name, version))
        except BundleError as error:
            if not known:
                _log.error("version %s of %s was asked for and is refused: %s", version, name, error)
            raise ModelNotReady from None

    def forget(self, name: str, versions: Iterable[str]) -> None:
        """Drop what was loaded because it was asked for and is not on disk any more.

        Args:
            name: The model's name.
            versions: Those on disk.
        """
        kept = set(versions)
        for key in [key for key in self._asked if key[0] == name and key[1] not in kept]:
            self._asked.pop(key, None)
