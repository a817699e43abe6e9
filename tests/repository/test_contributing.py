"""CONTRIBUTING.md names files that exist."""

import re

import pytest

from tests.known import REPOSITORY

TEXT = (REPOSITORY / "CONTRIBUTING.md").read_text("utf-8")
PATHS = {
    path.removesuffix("/") for path in re.findall(r"(?<![\w/<])((?:app|training|tests|docs|scripts)/[\w./*-]*\w)", TEXT)
}


@pytest.mark.parametrize("path", sorted(PATHS))
def test_the_file_exists(path: str) -> None:
    assert list(REPOSITORY.glob(path)), path


def test_most_of_its_paths_exist() -> None:
    assert len(PATHS) > 20
