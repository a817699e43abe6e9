"""Discovery: every module or package here that declares ``DOMAIN`` is a domain; no other place lists the domains."""

import pkgutil
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec

from app import domains
from app.domains.api import DomainApi


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
