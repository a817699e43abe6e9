"""The running program and its OpenAPI document, from which clients are generated; README's requests."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.known import KEY, REPOSITORY
from tests.live.program import Program
from tests.live.wire import request
from tests.pictures import encoded, synthetic_image


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """The running program with the tests' API key."""
    program = Program(tmp_path_factory.mktemp("program"), API_KEY=KEY, PORT="0", GRPC_ENABLED="false")
    try:
        program.port()
        yield program
    finally:
        program.close()


@pytest.fixture(scope="session")
def url(program: Program) -> str:
    """Address of the program."""
    return f"http://127.0.0.1:{program.port()}"


@pytest.fixture(scope="session")
def document(program: Program, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program's OpenAPI document as a file."""
    path = tmp_path_factory.mktemp("document") / "openapi.json"
    path.write_text(json.dumps(program.send(request("GET", "/openapi.json")).json))
    return path


@pytest.fixture(scope="session")
def beer() -> dict[str, Any]:
    """README's beer."""
    found = re.search(r"-d '(\{.*?\})'", (REPOSITORY / "README.md").read_text("utf-8"))
    assert found
    beer: dict[str, Any] = json.loads(found[1])
    return beer


@pytest.fixture(scope="session")
def recipe(beer: dict[str, Any]) -> dict[str, Any]:
    """README's beer with its recipe; it asks for an explanation."""
    found = re.search(r'```json\n("batch_volume_l".*?)\n```', (REPOSITORY / "README.md").read_text("utf-8"), re.DOTALL)
    assert found
    recipe: dict[str, Any] = beer | json.loads(f"{{{found[1]}}}")
    assert recipe["explain"] is True
    return recipe


@pytest.fixture(scope="session")
def picture() -> bytes:
    """A JPEG picture."""
    return encoded(synthetic_image(3), "JPEG")
