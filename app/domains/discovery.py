"""Discovery: every module or package here that declares ``DOMAIN`` is a domain; no other place lists the domains."""

import pkgutil
from collections.abc import Collection, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from app import domains
from app.domains.api import DomainApi
from app.errors import SettingsError


def discover() -> list[type[DomainApi]]:
    """Find the domains, in the order of their names.

    A domain is the ``DOMAIN`` of ``app/domains/<name>.py`` or ``app/domains/<name>/api.py``. A package whose ``NEEDS``
    names a library that is not installed is left out: the cloud function has no image library.

    Returns:
        The domains' classes.
    """
    discovered = []
    for module in pkgutil.iter_modules(domains.__path__, f"{domains.__name__}."):
        needs: Sequence[str] = getattr(import_module(module.name), "NEEDS", ()) if module.ispkg else ()
        if not all(map(find_spec, needs)):
            continue
        name = f"{module.name}.api" if module.ispkg else module.name
        domain: type[DomainApi] | None = getattr(import_module(name), "DOMAIN", None)
        if domain is not None:
            discovered.append(domain)
    return discovered


def select(discovered: Sequence[type[DomainApi]], names: Collection[str]) -> list[type[DomainApi]]:
    """Select the domains of the named models.

    Args:
        discovered: The domains.
        names: The models to serve.

    Returns:
        The domains, in the given order.

    Raises:
        SettingsError: If there is no such model, or a domain needs models beside the named ones. Models that a domain
            can do without are served if they are named.
    """
    known = [name for domain in discovered for name in domain.models]
    if not set(names) <= set(known):
        raise SettingsError(f"MODELS: names a model that does not exist; there are {', '.join(known)}")
    selected = [domain for domain in discovered if set(domain.models) & set(names)]
    for domain in selected:
        needed = [name for name in domain.models if name not in domain.optional]
        if not set(needed) <= set(names):
            raise SettingsError(f"MODELS: {' and '.join(needed)} are served together; name all of them")
    return [serving(domain, names) for domain in selected]


def present(discovered: Sequence[type[DomainApi]], root: Path) -> list[type[DomainApi]]:
    """Leave out what has no folder: domains, and models that a domain can do without. If no domain is left, return all.

    Args:
        discovered: The domains.
        root: The folder of bundles.
    """
    folders = [name for domain in discovered for name in domain.models if (root / name).is_dir()]
    found = [serving(domain, folders) for domain in discovered if not set(domain.models).isdisjoint(folders)]
    return found or list(discovered)


def serving(domain: type[DomainApi], names: Collection[str]) -> type[DomainApi]:
    """Return a domain without those of its optional models that are not named.

    Args:
        domain: The domain.
        names: Names of models.
    """
    models = tuple(name for name in domain.models if name not in domain.optional or name in names)
    if models == domain.models:
        return domain
    contents = {"__module__": domain.__module__, "__doc__": domain.__doc__, "models": models}
    part: type[DomainApi] = type(domain.__name__, (domain,), contents)
    return part
