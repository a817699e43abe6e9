"""Paths: what a request asks of its caller, as far as its path tells."""

from collections.abc import Iterable

from app.access.keys import ADMIN, METRICS, PREDICT
from app.domains.api import DomainApi
from app.rest.oip.application import ADMIN_PATH, OPEN_PATHS, PREFIX

METRICS_PATH = "/metrics"
_PROTOCOL_MODELS = f"{PREFIX}/models/"
"""What stands before a model's name in the paths of the Open Inference Protocol."""


class Paths:
    """Tells which paths are open to everybody and which models answer one."""

    def __init__(self, domains: Iterable[DomainApi], docs_enabled: bool) -> None:
        """Initialize the paths.

        Args:
            domains: Whose operations have paths.
            docs_enabled: Whether the documentation has some, too.
        """
        self._models = {operation.path: domain.models for domain in domains for operation in domain.operations}
        self._open = OPEN_PATHS | {"/docs", "/openapi.json"} if docs_enabled else OPEN_PATHS
        self._open_prefixes = ("/health/", "/docs/assets/") if docs_enabled else ("/health/",)

    def is_open(self, path: str) -> bool:
        """Whether a path needs no key."""
        return path in self._open or path.startswith(self._open_prefixes)

    def models(self, path: str) -> Iterable[str]:
        """The models that may answer a path; none where it is not a model's."""
        of_protocol = path.removeprefix(_PROTOCOL_MODELS) if path.startswith(_PROTOCOL_MODELS) else ""
        return self._models.get(path) or of_protocol.split("/", 1)[:1]


def is_v2(path: str) -> bool:
    """Whether a path is the Open Inference Protocol's."""
    return path == PREFIX or path.startswith(f"{PREFIX}/")


def scope_of(path: str) -> str:
    """The scope that a key needs for a path."""
    if path == METRICS_PATH:
        return METRICS
    return ADMIN if path.startswith(PREFIX) and ADMIN_PATH.fullmatch(path) else PREDICT
