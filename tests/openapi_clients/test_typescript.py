"""The clients in TypeScript: openapi-typescript with openapi-fetch, and openapi-generator's typescript-fetch."""

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.known import KEY
from tests.openapi_clients.typescript import compile_and_run, needs_npm, run, tool

pytestmark = needs_npm
HERE = Path(__file__).parent


def check(printed: dict[str, Any]) -> None:
    """Check what a program prints of the answers."""
    prediction, recipe = printed["prediction"], printed["recipe"]
    assert prediction["interval"]["lower"] <= prediction["ibu"] <= prediction["interval"]["upper"]
    assert [each["model"]["name"] for each in (prediction, recipe)] == ["beer-ibu", "beer-ibu-recipe"]
    assert printed["sum"] == pytest.approx(recipe["ibu"])
    assert [each["ibu"] for each in printed["predictions"]] == [prediction["ibu"], recipe["ibu"]]
    assert printed["invalid"] == [422, ["ebc"]]
    assert printed["refused"] == [401, "not_authenticated"]
    assert (printed["species"], printed["status"], printed["data"]) == ("setosa", "live", [0])
    assert printed["animal"] in ("cat", "dog")
    assert "% vol" in printed["units"]


def readme(kind: str, beer: dict[str, Any], recipe: dict[str, Any]) -> str:
    """Return README's requests as constants in TypeScript, with the type that the compiler is to check."""
    requests = ("BEER", beer), ("RECIPE", recipe)
    return "".join(f"export const {name}{kind} = {json.dumps(value)};\n" for name, value in requests)


def test_openapi_typescript_compiles_readmes_requests_and_gets_typed_answers(
    document: Path, url: str, beer: dict[str, Any], recipe: dict[str, Any], picture: bytes, tmp_path: Path
) -> None:
    run(tool("openapi-typescript"), document, "--output", tmp_path / "schema.ts", folder=tmp_path)
    kind = 'import type { components } from "./schema";\n'
    (tmp_path / "readme.ts").write_text(kind + readme(': components["schemas"]["Beer"]', beer, recipe))
    encoded = base64.b64encode(picture).decode()
    printed = compile_and_run(tmp_path, HERE / "openapi_typescript.ts", url, KEY, encoded)
    check(printed)
    assert printed["sentence"]


@pytest.mark.skipif(not shutil.which("java"), reason="java is not installed")
def test_openapi_generators_client_compiles_and_gets_typed_answers(
    document: Path, url: str, beer: dict[str, Any], recipe: dict[str, Any], picture: bytes, tmp_path: Path
) -> None:
    generator = pytest.importorskip("openapi_generator_cli", reason="openapi-generator-cli is not installed")
    jar = Path(generator.__file__).parent / "openapi-generator.jar"
    java = ("java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-jar", jar)  # which start in half the time
    run(*java, "generate", "-g", "typescript-fetch", "-i", document, "-o", "client", folder=tmp_path)
    (tmp_path / "readme.ts").write_text(readme("", beer, recipe))
    encoded = base64.b64encode(picture).decode()
    printed = compile_and_run(tmp_path, HERE / "typescript_fetch.ts", url, KEY, encoded)
    check(printed)
    assert printed["same"] == printed["prediction"]
