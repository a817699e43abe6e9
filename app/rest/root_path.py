"""The path prefix under which a proxy, or another ASGI application, publishes the REST API."""

from collections.abc import Iterable

from starlette.types import Scope

from app.errors import SettingsError

_PREFIX = "app_root_path"
"""Key of the prefix in the scope of a request; Starlette builds addresses with it."""


def without_root_path(scope: Scope, root_path: str) -> Scope:
    """Return the scope of a request as if there were no prefix, so that every path is compared in one form.

    Some proxies remove the prefix, others do not, and so do ASGI servers: uvicorn puts it in front of every path.

    Args:
        scope: The ASGI scope.
        root_path: The prefix.

    Returns:
        A copy of the scope; its path begins after the prefix, if it had one. `root_path_of` knows the prefix.
    """
    root_path = root_path.rstrip("/")
    path = scope["path"]
    if path == root_path or path.startswith(f"{root_path}/"):
        path = path[len(root_path) :] or "/"
    return {**scope, "path": path, "root_path": "", _PREFIX: root_path}


def root_path_of(scope: Scope) -> str:
    """Return the prefix of a request's path as the client sent it; empty if there is none."""
    prefix: str = scope.get(_PREFIX, "")
    return prefix


def check_root_path(root_path: str, paths: Iterable[str]) -> None:
    """Check that a prefix cannot be taken for a route: the proxy may or may not have removed it.

    Args:
        root_path: The prefix.
        paths: The paths of the routes.

    Raises:
        SettingsError: If a route begins with the same segment.
    """
    segment = root_path.split("/")[1]
    if any(path.split("/")[1] == segment for path in paths if path):
        raise SettingsError("ROOT_PATH: must not begin as a route of this program does")
