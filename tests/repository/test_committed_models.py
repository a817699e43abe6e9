"""No test depends on what was trained into models/ or is active there: bundles come from `tests.committed`."""

import re
import subprocess

import pytest

from app.bundle.store import read_bundle
from tests.committed import VERSIONS, committed
from tests.known import REPOSITORY

_MODELS = re.compile(r"""(?:REPOSITORY|ROOT)\)? / ["']models["']""")


def test_tests_take_bundles_by_their_committed_version() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "tests/*.py"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    allowed = {"tests/committed.py", "tests/repository/test_committed_models.py"}
    paths = sorted(set(listed.stdout.split()) - allowed)
    assert paths
    assert [path for path in paths if _MODELS.search((REPOSITORY / path).read_text("utf-8"))] == []


@pytest.mark.parametrize("name", VERSIONS)
def test_each_committed_version_is_a_bundle(name: str) -> None:
    assert read_bundle(committed(name)).manifest.version == VERSIONS[name]
