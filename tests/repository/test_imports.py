"""Test modules import no other test module: shared code is in helper modules and fixtures."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.known import REPOSITORY


def imported(path: Path) -> Iterator[str]:
    """The modules of the tests that a file imports, and the names it takes from them."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_no_test_module_and_no_conftest_is_imported() -> None:
    wrong = [
        f"{path.relative_to(REPOSITORY)}: {name}"
        for path in sorted((REPOSITORY / "tests").rglob("*.py"))
        for name in imported(path)
        if name.startswith("tests.") and any(part == "conftest" or part.startswith("test_") for part in name.split("."))
    ]
    assert not wrong
