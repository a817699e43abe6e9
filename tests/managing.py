"""A model manager with the preparation of its domains, as the program builds it."""

from collections.abc import Sequence

from app.domains.api import DomainApi, preparation
from app.models.manager import ModelManager
from app.models.store import ModelStore
from app.telemetry.metrics import Registry


def managing(
    *domains: type[DomainApi], names: Sequence[str] | None = None, store: ModelStore | None = None
) -> ModelManager:
    """A manager without models.

    Args:
        domains: The domains whose models are served.
        names: Names of the models; by default those of the domains.
        store: The versions on disk.
    """
    metrics = Registry()
    names = [name for domain in domains for name in domain.models] if names is None else names
    return ModelManager(names, metrics, store, preparation(domains, metrics))
