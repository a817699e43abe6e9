"""The requirements files agree with uv.lock, and uv.lock with pyproject.toml."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.known import REPOSITORY

needs_uv = pytest.mark.skipif(shutil.which("uv") is None, reason="uv is not installed (requirements/dev.txt)")
SOURCES = ("pyproject.toml", "uv.lock", "requirements.txt", "requirements", "scripts", "app/__init__.py", "README.md")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the files that scripts/lock.sh reads."""
    for name in SOURCES:
        source, target = REPOSITORY / name, tmp_path / name
        target.parent.mkdir(exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target)
    return tmp_path


def check(checkout: Path) -> subprocess.CompletedProcess[str]:
    command = ["bash", str(checkout / "scripts/lock.sh"), "--check"]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@needs_uv
def test_the_committed_files_are_up_to_date(checkout: Path) -> None:
    result = check(checkout)
    assert result.returncode == 0, result.stderr


@needs_uv
def test_an_edited_export_is_reported(checkout: Path) -> None:
    path = checkout / "requirements/train.txt"
    path.write_text(path.read_text().replace("numpy==", "numpy==1"))
    result = check(checkout)
    assert (result.returncode, result.stderr) == (1, "requirements/train.txt is out of date: run scripts/lock.sh\n")


@needs_uv
def test_a_dependency_that_is_not_locked_is_reported(checkout: Path) -> None:
    path = checkout / "pyproject.toml"
    path.write_text(path.read_text().replace('"pillow",', '"pillow<12",'))
    result = check(checkout)
    assert result.returncode == 1 and result.stderr.endswith("uv.lock is out of date: run scripts/lock.sh\n")


def test_every_package_comes_from_pypi() -> None:
    hosts = set(re.findall(r'"((?:https?|file)://[^/"]*)', (REPOSITORY / "uv.lock").read_text()))
    assert hosts == {"https://pypi.org", "https://files.pythonhosted.org"}


def test_each_package_of_the_service_and_of_training_has_one_version() -> None:
    """A model must not depend on the version of Python that trained it."""
    for name in ("requirements.txt", "requirements/train.txt"):
        names = re.findall(r"^([A-Za-z0-9._-]+)==", (REPOSITORY / name).read_text(), re.MULTILINE)
        assert names and len(names) == len(set(names)), name


def test_the_version_is_stated_once() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    assert "version" not in project and project["dynamic"] == ["version"]
