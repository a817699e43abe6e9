"""The access that a path requires, and the format of the errors at it."""

from collections.abc import Callable, Iterable

from app.access.keys import ADMIN, FEEDBACK, METRICS, PREDICT
from app.domains.api import DomainApi
from app.rest.oip.application import ADMIN_PATH, OPEN_PATHS, PREFIX, format_oip_error
from app.rest.problems import ProblemFormatter, format_problem

METRICS_PATH = "/metrics"
FEEDBACK_PATH = "/feedback"
SECURITY_TXT_PATH = "/.well-known/security.txt"
PAGE_PREFIX = "/page/"
"""Prefix of the paths of the files of the brewer's page."""
_OIP_MODELS = f"{PREFIX}/models/"
"""Prefix of the paths of the Open Inference Protocol that name a model."""


class PathPolicy:
    """Knows which key a path requires."""

    def __init__(
        self,
        domains: Iterable[DomainApi],
        docs_enabled: bool,
        security_txt_enabled: bool = False,
        page_enabled: bool = False,
        feedback_enabled: bool = False,
    ) -> None:
        """Create the policy.

        Args:
            domains: The domains whose operations have paths.
            docs_enabled: Whether the documentation has paths.
            security_txt_enabled: Whether ``security.txt`` has a path.
            page_enabled: Whether the files of the brewer's page have paths.
            feedback_enabled: Whether labels are taken.
        """
        self.scope: Callable[[str], str] = _scope_or_feedback if feedback_enabled else _scope
        """Returns the scope that a key needs for a path."""
        self._models = {operation.path: domain.models for domain in domains for operation in domain.operations}
        self._open = OPEN_PATHS | {"/docs", "/openapi.json"} if docs_enabled else OPEN_PATHS
        if security_txt_enabled:
            self._open = self._open | {SECURITY_TXT_PATH}
        prefixes = {"/health/": True, "/docs/assets/": docs_enabled, PAGE_PREFIX: page_enabled}
        self._open_prefixes = tuple(prefix for prefix, exists in prefixes.items() if exists)

    def is_open(self, path: str) -> bool:
        """Return whether a path requires no key; a slash at its end, which leads to a redirect, does not count."""
        return path in self._open or path.startswith(self._open_prefixes) or path.removesuffix("/") in self._open

    def models(self, path: str) -> Iterable[str]:
        """Return the models that may answer a path; empty if the path belongs to no model."""
        oip_path = path.removeprefix(_OIP_MODELS) if path.startswith(_OIP_MODELS) else ""
        return self._models.get(path.removesuffix("/")) or oip_path.split("/", 1)[:1]

    @staticmethod
    def formatter(path: str) -> ProblemFormatter:
        """Return the format of the errors at a path."""
        return format_oip_error if is_v2(path) else format_problem


def _scope(path: str) -> str:
    if path == METRICS_PATH:
        return METRICS
    return ADMIN if path.startswith(PREFIX) and ADMIN_PATH.fullmatch(path) else PREDICT


def _scope_or_feedback(path: str) -> str:
    return FEEDBACK if path == FEEDBACK_PATH else _scope(path)


def is_v2(path: str) -> bool:
    """Return whether a path belongs to the Open Inference Protocol."""
    return path == PREFIX or path.startswith(f"{PREFIX}/")
