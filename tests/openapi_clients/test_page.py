"""The brewer's page: its types are those of the OpenAPI document, and its modules agree with them."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from app.rest.page import without_comments
from tests.known import REPOSITORY
from tests.openapi_clients.typescript import BIN, needs_npm, run, tool

pytestmark = needs_npm
PAGE = REPOSITORY / "app" / "page"
_TRANSPILE = """
const [compiler, ...names] = process.argv.slice(1);
const typescript = require(compiler);
const compilerOptions = {removeComments: true, target: typescript.ScriptTarget.ES2022};
const text = (name) => require("fs").readFileSync(name, "utf8");
console.log(JSON.stringify(names.map((name) => typescript.transpileModule(text(name), {compilerOptions}).outputText)));
"""


def test_the_scripts_as_sent_are_the_scripts_as_written(tmp_path: Path) -> None:
    """The compiler, which knows what a comment is, makes the same of both."""
    scripts = sorted(PAGE.rglob("*.js"))
    assert scripts
    for number, script in enumerate(scripts):
        written = script.read_bytes()
        (tmp_path / f"{number}-written.js").write_bytes(written)
        (tmp_path / f"{number}-sent.js").write_bytes(without_comments(written))
    names = [f"{number}-{kind}.js" for number in range(len(scripts)) for kind in ("written", "sent")]
    printed = json.loads(run("node", "-e", _TRANSPILE, tool("tsc").resolve().parents[1], *names, folder=tmp_path))
    for script, *both in zip(scripts, printed[::2], printed[1::2], strict=True):
        assert both[0] == both[1], script.name


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
