"""What the pipelines, tox and the documented commands download is pinned by a hash."""

import json
import os
import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.known import REPOSITORY

WORKFLOWS = sorted((REPOSITORY / ".github" / "workflows").glob("*.yml"))
INSTALLERS = [
    *WORKFLOWS,
    *(REPOSITORY / name for name in (".ci/run", "tox.ini", "Dockerfile", "README.md", "CONTRIBUTING.md")),
    *sorted((REPOSITORY / "scripts").glob("*.sh")),
    *sorted((REPOSITORY / "docs").glob("*.md")),
]


def commands(pattern: str) -> Iterator[tuple[str, str]]:
    """Each command that begins as the pattern says, with the name of its file; continued lines are joined."""
    for path in INSTALLERS:
        text = path.read_text("utf-8").replace("\\\n", " ")
        for found in re.finditer(rf"{pattern}[^\n`|&#]*", text):
            yield path.name, found[0].strip()


def test_actions_are_pinned_by_the_hash_of_a_commit() -> None:
    used = [line.strip() for path in WORKFLOWS for line in path.read_text("utf-8").splitlines() if "uses:" in line]
    wrong = [line for line in used if not re.fullmatch(r"- uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)]
    assert used and not wrong


def test_an_action_has_one_version() -> None:
    used = {name for path in WORKFLOWS for name in re.findall(r"uses: (\S+)", path.read_text("utf-8"))}
    assert len(used) == len({name.partition("@")[0] for name in used})


def test_pip_installs_from_files_with_hashes() -> None:
    """``--no-deps --editable .`` installs this project alone, and so downloads no package of the program."""
    installs = list(commands(r"\bpip(?: --python \S+)? install"))
    wrong = [
        (name, command) for name, command in installs if not re.search(r"-r \S+|--no-deps --editable \.$", command)
    ]
    assert len(installs) >= 8 and not wrong


def test_npm_installs_from_lock_files_with_hashes() -> None:
    """``npm ci`` installs what the lock file lists; ``npm install`` and ``npx`` take what the registry offers."""
    assert len(list(commands(r"\bnpm ci"))) >= 3
    assert [*commands(r"\bnpx\b"), *commands(r"\bnpm (?:exec|i|install)\b(?! --package-lock-only)")] == []
    folders = sorted((REPOSITORY / "requirements" / "npm").iterdir())
    assert folders
    for folder in folders:
        lock = json.loads((folder / "package-lock.json").read_text("utf-8"))["packages"]
        wanted = json.loads((folder / "package.json").read_text("utf-8"))["dependencies"]
        assert lock.pop("")["dependencies"] == wanted
        assert [version for version in wanted.values() if not re.fullmatch(r"\d+\.\d+\.\d+", version)] == []
        assert [name for name, package in lock.items() if not package["integrity"].startswith("sha512-")] == []
        assert [name for name, package in lock.items() if "resolved" in package] == [], "a registry of one machine"
        assert "ignore-scripts=true" in (folder / ".npmrc").read_text("utf-8")


def test_every_requirement_has_a_hash() -> None:
    for path in (REPOSITORY / "requirements.txt", *sorted((REPOSITORY / "requirements").glob("*.txt"))):
        requirements = re.split(r"\n(?=[A-Za-z0-9])", "\n" + path.read_text("utf-8"))[1:]
        assert requirements, path.name
        for requirement in requirements:
            assert re.match(r"[\w.-]+(\[[\w,-]+\])?==\S+", requirement), (path.name, requirement[:80])
            assert "--hash=sha256:" in requirement, (path.name, requirement[:80])


def test_tox_installs_no_other_tox() -> None:
    """tox would install what ``requires`` and ``min_version`` name, without a hash."""
    assert not re.search(
        r"^(requires|min_?version|provision_tox_env)\b", (REPOSITORY / "tox.ini").read_text(), re.MULTILINE
    )


def test_every_base_image_is_the_build_argument() -> None:
    lines = (REPOSITORY / "Dockerfile").read_text("utf-8").splitlines()
    bases = {line.split()[1] for line in lines if line.startswith("FROM ")}
    stages = {line.split()[3] for line in lines if line.startswith("FROM ")}
    assert bases - stages == {"$BASE"}


@pytest.mark.parametrize("base", ["", "python:3.11-slim-bookworm", "python@sha256:12ab", "python@sha256:" + "G" * 64])
def test_no_image_is_pushed_whose_base_has_no_digest(base: str) -> None:
    environment = os.environ | {"BASE_IMAGE": base, "CONTAINER_ENGINE": "false", "IMAGE_REGISTRY": "registry.invalid"}
    command = [str(REPOSITORY / "build_image.sh"), "--push"]
    completed = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)
    assert (completed.returncode, completed.stdout) == (2, "")
    assert completed.stderr.startswith("build_image.sh: --push needs BASE_IMAGE=NAME@sha256:")
