"""Discovery: every file or folder of this room that declares ``DOMAIN`` is a domain; nothing else lists them."""

import pkgutil
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Protocol

from app import domains
from app.domains.api import DomainApi
from app.models.manager import ModelManager


class DomainFactory(Protocol):
    """What makes a domain's face; usually its class."""

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the bundles it needs."""

    def __call__(self, manager: ModelManager) -> DomainApi:
        """The face over a service that has these models."""


def discover() -> list[DomainFactory]:
    """The domains, by the names of their files: ``DOMAIN`` of ``app/domains/<name>.py`` or ``<name>/api.py``.

    A folder whose ``NEEDS`` names a package that is not installed is left out: the cloud function has no pictures.

    Returns:
        What makes each one's face.
    """
    found = []
    for module in pkgutil.iter_modules(domains.__path__, f"{domains.__name__}."):
        needs: Sequence[str] = getattr(import_module(module.name), "NEEDS", ()) if module.ispkg else ()
        if not all(map(find_spec, needs)):
            continue
        name = f"{module.name}.api" if module.ispkg else module.name
        kind: DomainFactory | None = getattr(import_module(name), "DOMAIN", None)
        if kind is not None:
            found.append(kind)
    return found
