"""Loads the active version of every model when a process starts, and a worker's substitutes for bad ones."""

import logging

from app.errors import BundleError, CallError
from app.models.manager import ModelManager

MAX_FALLBACKS = 4
"""Maximum number of versions that a new worker tries instead of a bad one; each may take the quarantine's time."""

_log = logging.getLogger(__name__)


class _Unreachable(BundleError):
    """The model server cannot answer, so that no version can be loaded."""


def load_active(manager: ModelManager, is_worker: bool = False) -> None:
    """Verify and load the active version of every model.

    Args:
        manager: The model manager.
        is_worker: Whether other workers already serve, and go on serving if a bad version or pointer appears. Then
            this process must do likewise: it quarantines what it does not trust, falls back to the version that was
            active last or to the highest good one, and serves the other models if there is none.

    Raises:
        BundleError: If a version or pointer is missing or bad, unless this is a worker; or if the model server cannot
            answer.
    """
    for name in manager.names:
        try:
            version = manager.wanted_version(name)
            if version is None:
                manager.deactivate(name, persist=False)
            else:
                _load(manager, name, version, is_worker)
        except BundleError as error:
            if not is_worker:
                raise
            _load_fallback(manager, name, error)


def _load(manager: ModelManager, name: str, version: str, is_worker: bool) -> None:
    try:
        manager.activate(manager.load(name, version, quarantined=is_worker))
    except CallError as error:
        raise _Unreachable(f"{name}: the model server cannot answer for version {version}") from error


def _load_fallback(manager: ModelManager, name: str, reason: BundleError) -> None:
    """Load the version that was active last, or else the highest good one. Without any, the others are served."""
    if isinstance(reason, _Unreachable):
        raise reason
    for version in _fallbacks(manager, name):
        try:
            _load(manager, name, version, is_worker=True)
        except _Unreachable:
            raise
        except BundleError as error:
            _log.error("version %s of %s is no substitute: %s", version, name, error)
        else:
            _log.error("%s falls back to version %s: %s", name, version, reason)
            return
    _log.error("%s has no version that can answer: %s", name, reason)


def _fallbacks(manager: ModelManager, name: str) -> list[str]:
    last = manager.notes.active(name)
    highest_first = reversed(manager.versions(name))
    candidates = dict.fromkeys([*([last] if last else []), *highest_first])
    return list(candidates)[:MAX_FALLBACKS]
