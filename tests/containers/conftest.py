"""What the containers' tests share: the reason where they cannot run, and images that were built once."""

from pathlib import Path

import pytest

from tests.containers.engine import missing, script

NAME = "beer-model-check"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever lies in this folder needs an engine."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.containers)


@pytest.fixture(scope="session")
def engine_answers() -> None:
    """Skips where no container can be run."""
    if reason := missing():
        pytest.skip(reason)


@pytest.fixture(scope="session")
def image(engine_answers: None, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image of the API, built by build_image.sh from another working directory."""
    built = script("build_image.sh", f"{NAME}:tested", cwd=tmp_path_factory.mktemp("elsewhere"))
    assert built.returncode == 0, built.stdout[-2000:] + built.stderr[-2000:]
    return f"{NAME}:tested"
