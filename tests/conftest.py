"""Fixtures of all tests: the committed bundles and the REST API built from them. Also Hypothesis' profiles."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, settings

from app.bundle.store import Bundle, highest, read_bundle
from app.domains.beer.api import RECIPE, STYLE, VITALS, BeerApi
from app.models.manager import ModelManager
from app.rest.application import RestApplication
from app.runtime.onnx import OnnxPredictor
from tests.committed import committed_models
from tests.known import KEY, REPOSITORY, SETTINGS
from tests.model_manager import model_manager
from tests.redis_server import MISSING, Redis
from tests.rest_application import rest_application

settings.register_profile("local", deadline=None, print_blob=True)
settings.register_profile(
    "ci", parent=settings.get_profile("local"), derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One process more than there are cores for ``-n auto``: tests that start the program wait for it."""
    return (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the many short files of `tests/app` last, so that processes that share the files end at the same time."""
    items.sort(key=lambda item: item.path.is_relative_to(REPOSITORY / "tests" / "app"))


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root folder of the repository."""
    return REPOSITORY


@pytest.fixture(scope="session")
def models() -> Path:
    """The folder of the committed bundles."""
    return committed_models()


@pytest.fixture(scope="session")
def bundle(models: Path) -> Bundle:
    """The committed bundle of the beer model."""
    return read_bundle(highest(models, VITALS))


@pytest.fixture(scope="session")
def predictor(bundle: Bundle) -> OnnxPredictor:
    """The loaded beer model."""
    return OnnxPredictor(bundle)


@pytest.fixture(scope="session")
def manager(predictor: OnnxPredictor, models: Path) -> ModelManager:
    """The model manager with the beer models loaded."""
    manager = model_manager(BeerApi)
    manager.add(predictor)
    for name in RECIPE, STYLE:
        manager.add(OnnxPredictor(read_bundle(highest(models, name))))
    return manager


@pytest.fixture(scope="session")
def domain(manager: ModelManager) -> BeerApi:
    """The beer domain's API over the loaded models."""
    return BeerApi(manager)


@pytest.fixture(scope="session")
def application(manager: ModelManager, domain: BeerApi) -> RestApplication:
    """The REST API as the program builds it."""
    return rest_application(manager, domain, page_folder=REPOSITORY / "app" / "page")


@pytest.fixture
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio, as the program does."""
    return "asyncio"


@pytest.fixture
async def client(application: RestApplication) -> AsyncIterator[httpx.AsyncClient]:
    """A client that sends the API key and calls the REST API in this process."""
    transport = httpx.ASGITransport(app=application)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers={"X-API-Key": KEY}) as client:
        yield client


@pytest.fixture
def plain_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty working folder, and an environment without any of the program's settings."""
    for name in list(os.environ):
        if name.upper() in SETTINGS:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    yield tmp_path


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Redis]:
    """A running redis-server."""
    if MISSING:
        pytest.skip(MISSING)
    server = Redis(tmp_path)
    yield server
    server.stop()
