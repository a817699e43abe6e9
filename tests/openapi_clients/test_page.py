"""The brewer's page: its types are those of the OpenAPI document, and its modules agree with them."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.known import REPOSITORY
from tests.openapi_clients.typescript import BIN, needs_npm, run, tool

pytestmark = needs_npm
PAGE = REPOSITORY / "app" / "page"


def test_the_types_of_the_page_are_those_of_the_openapi_document(tmp_path: Path) -> None:
    settings = {**os.environ, "CLIENTS_BIN": str(BIN)}
    command = [REPOSITORY / "scripts" / "page_types.sh", tmp_path / "api.d.ts"]
    done = subprocess.run(command, env=settings, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    stale = "app/page/api.d.ts is stale: run scripts/page_types.sh"
    assert (tmp_path / "api.d.ts").read_text("utf-8") == (PAGE / "api.d.ts").read_text("utf-8"), stale


@pytest.mark.parametrize("project", ["tsconfig.json", "tsconfig.worker.json"])
def test_the_modules_of_the_page_pass_the_strict_compiler(project: str, tmp_path: Path) -> None:
    run(tool("tsc"), "--project", PAGE / project, folder=tmp_path)
