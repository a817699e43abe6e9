"""The three limits of body sizes, each through the application that the settings build."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from app.composition.program import build
from app.domains.discovery import discover
from app.models.starting import load_active
from app.settings import load_settings
from tests.known import KEY

pytestmark = pytest.mark.anyio
LIMITS = {"BODY_LIMIT": 2_000, "BATCH_BODY_LIMIT": 3_000, "FILE_BODY_LIMIT": 5_000}


@pytest.fixture
async def client(
    plain_environment: Path, models: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application with a value of its own for each limit."""
    for name, value in {"API_KEY": KEY, "MODEL_URI": models, **LIMITS}.items():
        monkeypatch.setenv(name, str(value))
    program = build(load_settings(), discover())
    load_active(program.manager)
    transport = httpx.ASGITransport(app=program.rest)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers={"X-API-Key": KEY}) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "content_type", "setting"),
    [
        ("/predict", "application/json", "BODY_LIMIT"),
        ("/explain", "application/json", "BODY_LIMIT"),
        ("/iris/predict", "application/json", "BODY_LIMIT"),
        ("/recipes", "application/xml", "BODY_LIMIT"),
        ("/predict/batch", "application/json", "BATCH_BODY_LIMIT"),
        ("/v2/models/beer-ibu/infer", "application/json", "BATCH_BODY_LIMIT"),
        ("/pets/predict", "image/png", "FILE_BODY_LIMIT"),
        ("/pets/predict", "application/json", "FILE_BODY_LIMIT"),
    ],
)
async def test_each_route_has_the_limit_of_its_setting(
    client: httpx.AsyncClient, path: str, content_type: str, setting: str
) -> None:
    limit = LIMITS[setting]
    at_limit = await client.post(path, content=b"x" * limit, headers={"Content-Type": content_type})
    above = await client.post(path, content=b"x" * (limit + 1), headers={"Content-Type": content_type})
    assert at_limit.status_code in (400, 422), at_limit.text
    assert above.status_code == 413, above.text
