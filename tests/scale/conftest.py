"""What scores files in these tests: the committed models. The tests need pyarrow, which `tox -e scale` installs."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.settings import ModelSettings
from tests.known import REPOSITORY

if TYPE_CHECKING:
    from app.scoring.scorer import LoadedScorer

collect_ignore_glob = [] if find_spec("pyarrow") else ["test_*"]


@pytest.fixture(scope="session")
def model_settings(models: Path) -> ModelSettings:
    return ModelSettings(model_uri=str(models))


@pytest.fixture(scope="session")
def beers(model_settings: ModelSettings) -> "LoadedScorer":
    """What answers beers."""
    from app.scoring.scorer import Model, load_scorer

    return load_scorer(model_settings, Model())


@pytest.fixture(scope="session")
def samples() -> Path:
    """Recipe files."""
    return REPOSITORY / "tests" / "data" / "recipe_files"
