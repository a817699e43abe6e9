"""Discovery: every file or folder of this room that declares ``FACE`` is a domain; nothing else lists them."""

import pkgutil
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Protocol

from app import domains
from app.domains.face import Face
from app.inference.service import InferenceService


class FaceKind(Protocol):
    """What makes a domain's face; usually its class."""

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the bundles it needs."""

    def __call__(self, service: InferenceService) -> Face:
        """The face over a service that has these models."""


def discover() -> list[FaceKind]:
    """The domains, by the names of their files: ``FACE`` of ``app/domains/<name>.py`` or ``<name>/face.py``.

    A folder whose ``NEEDS`` names a package that is not installed is left out: the cloud function has no pictures.

    Returns:
        What makes each one's face.
    """
    found = []
    for module in pkgutil.iter_modules(domains.__path__, f"{domains.__name__}."):
        needs: Sequence[str] = getattr(import_module(module.name), "NEEDS", ()) if module.ispkg else ()
        if not all(map(find_spec, needs)):
            continue
        name = f"{module.name}.face" if module.ispkg else module.name
        kind: FaceKind | None = getattr(import_module(name), "FACE", None)
        if kind is not None:
            found.append(kind)
    return found
