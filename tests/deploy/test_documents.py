"""Documents: every relative link, anchor and file name leads somewhere."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.known import REPOSITORY

HISTORICAL = ("CHANGELOG.md", "docs/renames.md")
"""Documents that name files of earlier versions."""
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_PATH = re.compile(r"`((?:app|training|tests|benchmarks|docs|deploy|scripts|examples|protos|requirements)/[\w./-]*)")
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def documents() -> list[str]:
    """Every Markdown file under version control, except generated model cards."""
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.split() if not name.startswith("models/")]


def anchors(path: Path) -> set[str]:
    """The anchors that GitHub gives a document's headings."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", path.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", documents())
def test_relative_links_and_anchors_exist(name: str) -> None:
    document = REPOSITORY / name
    broken = []
    for link in _LINK.findall(_FENCE.sub("", document.read_text("utf-8"))):
        file, _, anchor = link.partition("#")
        target = (document.parent / file).resolve() if file else document
        if "://" in link or (target.exists() and (not anchor or anchor in anchors(target))):
            continue
        broken.append(link)
    assert not broken


@pytest.mark.parametrize("name", [name for name in documents() if name not in HISTORICAL])
def test_named_files_exist(name: str) -> None:
    named = _PATH.findall((REPOSITORY / name).read_text("utf-8"))
    assert not [path for path in named if not (REPOSITORY / path.rstrip(".")).exists()]


def test_architecture_lists_the_layers_that_are_checked() -> None:
    configuration = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))
    contracts = configuration["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    assert "\n```\n" + "\n".join(layers) + "\n```\n" in (REPOSITORY / "ARCHITECTURE.md").read_text("utf-8")


def test_documents_agree_on_the_memory_after_the_start() -> None:
    (measured,) = re.findall(r"^\| memory after the start.*\| (\d+) MB", _text("docs/performance.md"), re.MULTILINE)
    assert f"{measured} MB resident for one process" in _text("docs/scaling.md")
    assert f"10 x {measured} MB" in _text("docs/scaling.md")
    assert f"as one process ({measured} MB" in _text("docs/deploy.md")
    assert f"# {measured} MB after the start" in _text("docker-compose.yml")


def _text(name: str) -> str:
    return (REPOSITORY / name).read_text("utf-8")
