"""A service whose version 1 answers, and whose other versions are copies of it or planted with a fault."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.bundle.pointer import activate
from app.bundle.store import Bundle
from app.domains.beer.api import RECIPE, STYLE, VITALS
from app.models.manager import ModelManager
from tests.bundles import copy_as_version
from tests.planted import plant
from tests.rollouts import Service

FAULTS = {"2": "same", "3": "wrong", "4": "slow", "5": "nan", "6": "crash"}


@pytest.fixture(scope="package")
def planted(bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all versions."""
    root = tmp_path_factory.mktemp("planted")
    copy_as_version(bundle, root, 1)
    for version, fault in FAULTS.items():
        plant(bundle, root, int(version), fault)
    return root


@pytest.fixture
def service(planted: Path, tmp_path: Path, manager: ModelManager) -> Iterator[Service]:
    """A service with the planted versions, of which the first is active."""
    folder = tmp_path / VITALS
    folder.mkdir()
    for version in (planted / VITALS).iterdir():
        (folder / version.name).symlink_to(version)
    activate(tmp_path, VITALS, "1")
    service = Service(tmp_path, [manager.get(name).predictor for name in (RECIPE, STYLE)])
    yield service
    service.reloader.stop()
    service.pool.stop()
