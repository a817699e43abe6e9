"""Skip the Kubernetes tests if kustomize is not installed."""

from pathlib import Path

import pytest

from tests.cluster.files import KUSTOMIZE


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of this folder need kustomize."""
    reason = "kustomize is not installed; `tox -e deploy` does on Linux and x86_64"
    for item in items:
        if KUSTOMIZE is None and item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.skip(reason=reason))
