"""What the model manager knows of a model and of its versions."""

from dataclasses import dataclass
from typing import Literal, Protocol

from app.models.loaded import LoadedModel


@dataclass(frozen=True, slots=True)
class VersionState:
    """A version and whether it answers, in the terms of the Open Inference Protocol's repository index."""

    name: str
    version: str
    state: Literal["READY", "UNAVAILABLE"]
    reason: str
    """Why the version does not answer, and how it is tried in a rollout; empty otherwise."""


class Rollout(Protocol):
    """A version that is tried beside the active one."""

    @property
    def candidate(self) -> LoadedModel:
        """The version."""

    def choose(self, active: LoadedModel) -> LoadedModel:
        """Return which of the active version and the candidate answers the present call."""


@dataclass(frozen=True, slots=True)
class ModelState:
    """What the manager knows of one model. A change replaces the whole object."""

    active: LoadedModel | None = None
    """The version that answers; None if there is no such version."""
    deactivated: bool = False
    """Whether the model was deactivated on purpose."""
    local_only: bool = False
    """Whether the model is deactivated in this process alone, because its pointer file cannot be written."""
    rollout: Rollout | None = None
    """The version that is tried beside the active one."""
