"""Shared fixtures of the container tests: the reason to skip them, and images that are built once."""

from pathlib import Path

import pytest

from tests.containers.engine import missing, script


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of this folder need a container engine."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.containers)


@pytest.fixture(scope="session")
def engine_answers() -> None:
    """Skip the test if no container can be run."""
    if reason := missing():
        pytest.skip(reason)


@pytest.fixture(scope="session")
def image(engine_answers: None, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image of the API, built by build_image.sh from another working directory."""
    return _built("beer-model:tested", tmp_path_factory.mktemp("elsewhere"))


@pytest.fixture(scope="session")
def model_server_image(image: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The image of the model server."""
    return _built("beer-model-server:tested", tmp_path_factory.mktemp("elsewhere"), "--target", "model-server")


def _built(tag: str, folder: Path, *arguments: str) -> str:
    built = script("build_image.sh", *arguments, tag, cwd=folder)
    assert built.returncode == 0, built.stdout[-2000:] + built.stderr[-2000:]
    return tag
