"""Loads one domain with its models, for jobs and commands that serve nobody."""

from typing import TypeVar, cast

from app.bundle.fetch import is_remote, models_root
from app.composition.models import build_manager, fetch_models
from app.domains.api import DomainApi
from app.domains.discovery import present
from app.models.manager import ModelManager
from app.models.starting import load_active
from app.settings import ModelSettings
from app.telemetry.metrics import Registry

DomainT = TypeVar("DomainT", bound=DomainApi)


def load_domain(settings: ModelSettings, domain: type[DomainT]) -> DomainT:
    """Load the models of a domain, and download them first if the settings name an object store.

    Args:
        settings: The settings about models.
        domain: The domain's class.

    Returns:
        The domain's API, without optional models that are missing.

    Raises:
        BundleError: If a bundle is missing or bad, or the object store does not answer.
    """
    served_domain, manager = load_manager(settings, domain)
    return cast(DomainT, served_domain(manager))


def load_manager(settings: ModelSettings, domain: type[DomainApi]) -> tuple[type[DomainApi], ModelManager]:
    """Load the models of a domain as `load_domain` does, and return the domain's class and the owner of the models."""
    served = [domain] if is_remote(settings) else present([domain], models_root(settings))
    (served_domain,) = fetch_models(settings, served)
    manager = build_manager(settings, [served_domain], Registry())
    load_active(manager)
    return served_domain, manager
