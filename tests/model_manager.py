"""A model manager that prepares the objects of its domains, as the program builds it."""

from collections.abc import Sequence

from app.domains.api import DomainApi, preparation
from app.models.loaded import Recorder
from app.models.manager import ModelManager
from app.models.store import ModelStore
from app.telemetry.metrics import Registry


def model_manager(
    *domains: type[DomainApi],
    names: Sequence[str] | None = None,
    store: ModelStore | None = None,
    recorder: Recorder | None = None,
) -> ModelManager:
    """Create a manager without loaded models.

    Args:
        domains: The domains whose models the manager may load.
        names: Model names; by default those of the domains.
        store: The versions on disk.
        recorder: Keeps the rows that are answered.
    """
    metrics = Registry()
    names = [name for domain in domains for name in domain.models] if names is None else names
    return ModelManager(names, metrics, store, preparation(domains, metrics), recorder)
