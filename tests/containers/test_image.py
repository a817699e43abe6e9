"""The built image: contents, size, start, labels and package list."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from app import __version__
from tests.containers.engine import engine, files, inspect, script
from tests.known import REPOSITORY

BASE = "docker.io/library/python:3.11-slim-bookworm"
MAX_OVER_BASE = 210_000_000
UNWANTED = re.compile(
    r"/(tests?|testdata|transformers|quantization|f2py|distutils|pip|setuptools|wheel)(/|$)"
    r"|(^|/)\.env|\.ipynb$|\.(pyi|pxd|h|c|a)$|libonnxruntime\.so|(^|/)(training|notebooks|benchmarks)(/|$)"
)
TYPES_OF_THE_PAGE = re.compile(r"app/page/([\w.]+\.d\.ts|tsconfig[\w.]*\.json)")
SITE = "venv/lib/python3.11/site-packages/"


@pytest.fixture(scope="module")
def added(image: str) -> set[str]:
    """The files that the image adds to its base."""
    return {name for name, entry in files(image).items() if not entry.isdir()} - set(files(BASE))


def _distributions(names: set[str]) -> set[str]:
    matches = (re.match(rf"{SITE}([^/]+)-[^-/]+\.dist-info/METADATA$", name) for name in names)
    return {re.sub(r"[-_.]+", "-", match[1]).lower() for match in matches if match}


def test_the_image_contains_only_what_the_service_needs(added: set[str]) -> None:
    ours = {name for name in added if name.startswith("srv/")}
    assert {name for name in added - ours if not name.startswith("venv/")} <= {"etc/resolv.conf", "etc/hosts"}
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "app", "models"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    served = [path for path in tracked if (REPOSITORY / path).is_file() and not TYPES_OF_THE_PAGE.fullmatch(path)]
    expected = {f"srv/{path}" for path in served} | {"srv/LICENSE", "srv/ready.py"}
    assert {name for name in ours if "/__pycache__/" not in name} == expected
    assert [name for name in added if UNWANTED.search(name) and not name.startswith("srv/app/")] == []


def test_only_pinned_packages_are_installed_with_their_bytecode(added: set[str]) -> None:
    pinned = re.findall(r"^([a-z0-9._-]+)==", (REPOSITORY / "requirements.txt").read_text("utf-8"), re.MULTILINE)
    installed = _distributions(added)
    assert {"fastapi", "numpy", "onnxruntime", "uvicorn"} <= installed <= {re.sub(r"[-_.]+", "-", x) for x in pinned}
    modules = [Path(name) for name in added if name.endswith(".py")]
    compiled = {f"{path.parent}/__pycache__/{path.stem}.cpython-311.pyc" for path in modules}
    assert len(modules) > 500 and compiled <= added


def test_only_root_can_change_files(image: str, added: set[str]) -> None:
    entries = {name: entry for name, entry in files(image).items() if name in added and not entry.issym()}
    assert {entry.uid for entry in entries.values()} == {0}
    assert [name for name, entry in entries.items() if entry.mode & 0o022] == []


def test_the_image_adds_at_most_210_mb_to_its_base(image: str) -> None:
    added = inspect("image", image)["Size"] - inspect("image", BASE)["Size"]
    print(f"{added / 1e6:.0f} MB over the base")
    assert 0 < added <= MAX_OVER_BASE


def test_the_image_starts_as_user_nobody_without_a_shell_and_has_labels(image: str) -> None:
    config = inspect("image", image)["Config"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", config["User"])
    assert config["Entrypoint"] == ["/venv/bin/python", "-m", "app"] and not config.get("Cmd")
    assert not any(value.startswith(("API_KEY", "AWS_")) for value in config["Env"])
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True).stdout
    assert labels["version"] == __version__ and labels["licenses"] == "MIT"
    assert commit.startswith(labels["revision"].removesuffix("-changed"))
    assert re.match(r"\d{4}-\d\d-\d\dT", labels["created"])
    assert labels["base.name"] == "python:3.11-slim-bookworm"


def test_a_base_named_by_its_digest_gives_the_same_files(
    image: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files(BASE)  # an engine may keep the base of a build where only builds find it
    digest = inspect("image", BASE)["RepoDigests"][0]
    monkeypatch.setenv("BASE_IMAGE", digest)
    built = script("build_image.sh", "beer-model-digest:tested", cwd=tmp_path)
    assert built.returncode == 0, built.stderr
    labels = inspect("image", "beer-model-digest:tested")["Config"]["Labels"]
    assert labels["org.opencontainers.image.base.name"] == digest
    assert set(files("beer-model-digest:tested")) == set(files(image))


def test_the_image_is_tagged_by_version_and_commit(image: str) -> None:
    name = image.split(":")[0]
    revision = inspect("image", image)["Config"]["Labels"]["org.opencontainers.image.revision"]
    tagged = {inspect("image", f"{name}:{tag}")["Id"] for tag in (__version__, revision)}
    assert tagged == {inspect("image", image)["Id"]}


def test_each_commit_has_its_own_label_even_if_no_file_changed(image: str, tmp_path: Path) -> None:
    later = tmp_path / "later"
    author = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.org")
    subprocess.run(["git", "clone", "--quiet", REPOSITORY, later], check=True)
    subprocess.run(["git", *author, "commit", "--quiet", "--allow-empty", "--message=Later"], cwd=later, check=True)
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=later, capture_output=True, text=True, check=True).stdout
    built = script("build_image.sh", "beer-model-later:tested", cwd=tmp_path, folder=later)
    assert built.returncode == 0, built.stderr
    labels = inspect("image", "beer-model-later:tested")["Config"]["Labels"]
    assert commit.startswith(labels["org.opencontainers.image.revision"])
    assert not commit.startswith(inspect("image", image)["Config"]["Labels"]["org.opencontainers.image.revision"])


def test_the_package_list_is_complete_and_reproducible(image: str, added: set[str], tmp_path: Path) -> None:
    path = REPOSITORY / "dist" / f"beer-model-{__version__}.cdx.json"
    written = path.read_bytes()
    listed = json.loads(written)
    assert listed["bomFormat"] == "CycloneDX" and listed["metadata"]["component"]["version"] == __version__
    assert {component["name"].lower().replace("_", "-") for component in listed["components"]} == _distributions(added)
    path.unlink()
    again = script("build_image.sh", image, cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    assert path.read_bytes() == written


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--help"], 0, "Usage: build_image.sh"),
        (["--fast"], 2, "unknown option --fast"),
        (["--target", "gpu"], 2, "--target is api or model-server"),
        (["one", "two"], 2, "more than one TAG"),
    ],
)
def test_unknown_options_are_reported_and_nothing_is_built(
    engine_answers: None, tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    before = engine("images", "--quiet")
    completed = script("build_image.sh", *arguments, cwd=tmp_path)
    assert completed.returncode == code and message in completed.stdout + completed.stderr
    assert engine("images", "--quiet") == before
