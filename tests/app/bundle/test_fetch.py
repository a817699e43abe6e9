"""Fetching bundles from a tree of objects: complete ones are fetched once; others are rejected and leave nothing."""

import hashlib
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from app.bundle.digests import SHA256SUMS
from app.bundle.fetch import Fetch, cached_root
from app.bundle.pointer import active_version
from app.bundle.store import Bundle, read_bundle
from app.errors import BundleError, ObjectsError
from tests.bundles import copy_as_version, copy_bundle, flip_bit

PLACE = "s3://bucket/some/models"


class Tree:
    """A source that is a folder, and records the keys that were read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.read_keys: list[str] = []

    def read(self, key: str, limit: int) -> bytes | None:
        self.read_keys.append(key)
        path = self.folder / key
        if not path.exists():
            return None
        if path.stat().st_size > limit:
            raise ObjectsError(f"{key}: larger than {limit} bytes")
        return path.read_bytes()

    def folders(self, folder: str) -> list[str]:
        path = self.folder / folder
        return [entry.name for entry in path.iterdir() if entry.is_dir()] if path.exists() else []


@pytest.fixture
def tree(tmp_path: Path, bundle: Bundle) -> Tree:
    """A source with version 1 of the beer model under ``some/models/``."""
    copy_bundle(bundle, tmp_path / "bucket/some/models")
    return Tree(tmp_path / "bucket")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return cached_root(tmp_path / "cache", PLACE)


def fetch(tree: Tree, root: Path, name: str, approved: tuple[str, ...] = ()) -> None:
    Fetch(tree, "some/models", PLACE, root.parent, approved).run([name], root)


def test_a_fetched_bundle_is_the_original_and_the_next_start_reads_only_digests(
    tree: Tree, root: Path, bundle: Bundle
) -> None:
    name = bundle.manifest.name
    fetch(tree, root, name)
    assert active_version(root, name) == bundle.manifest.version
    assert read_bundle(root / name / bundle.manifest.version).files == bundle.files
    assert {key.rpartition("/")[2] for key in tree.read_keys} == {"ACTIVE", SHA256SUMS, *bundle.files}
    tree.read_keys.clear()
    fetch(tree, root, name)
    assert [key.rpartition("/")[2] for key in tree.read_keys] == ["ACTIVE", SHA256SUMS]


def test_a_model_that_the_source_lacks_is_an_error_unless_it_is_optional(
    tree: Tree, root: Path, bundle: Bundle
) -> None:
    names = [bundle.manifest.name, "newer"]
    fetched = Fetch(tree, "some/models", PLACE, root.parent)
    assert fetched.run(names, root, ["newer"]) == [bundle.manifest.name] and not (root / "newer").exists()
    with pytest.raises(BundleError):
        fetched.run(names, root)


def test_the_pointer_selects_the_version_and_without_it_the_highest_is_active(
    tree: Tree, root: Path, bundle: Bundle
) -> None:
    name, models = bundle.manifest.name, tree.folder / "some/models"
    copy_as_version(bundle, models, 10)
    copy_as_version(bundle, models, 9)
    fetch(tree, root, name)
    assert active_version(root, name) == "10"
    (models / name / "ACTIVE").write_text("9\n10\n")
    fetch(tree, root, name)
    assert active_version(root, name) == "9"
    (models / name / "ACTIVE").write_text("none\n")
    fetch(tree, root, name)
    assert active_version(root, name) is None


def _cut_sums(folder: Path) -> None:
    (folder / SHA256SUMS).write_text((folder / SHA256SUMS).read_text()[:-10])


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "altered model": (lambda f: flip_bit(f / "model.onnx", Random(7)), "model.onnx is not the file that was released"),
    "cut off": (lambda f: (f / "model.onnx").write_bytes(b"short"), "model.onnx is not the file that was released"),
    "no model": (lambda f: (f / "model.onnx").unlink(), "model.onnx is missing"),
    "no digests": (lambda f: (f / SHA256SUMS).unlink(), f"{SHA256SUMS} is missing"),
    "digests cut off": (_cut_sums, f"{SHA256SUMS}: the last line is truncated"),
    "digests of another kind": (lambda f: (f / SHA256SUMS).write_bytes(b"\xff" * 90), "not plain ASCII"),
    "endless digests": (lambda f: (f / SHA256SUMS).write_bytes(b"0" * 200_000), "larger than 64000 bytes"),
    "no version": (shutil.rmtree, "no bundle here"),
    "a pointer into nothing": (
        lambda f: (f.parent / "ACTIVE").write_text("7"),
        "names version 7, which does not exist",
    ),
    "a pointer of another kind": (lambda f: (f.parent / "ACTIVE").write_text("newest"), "must contain a version"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_an_incomplete_bundle_is_rejected_by_name_and_not_cached(
    tree: Tree, root: Path, bundle: Bundle, case: str
) -> None:
    change, message = BROKEN[case]
    change(tree.folder / "some/models" / bundle.manifest.name / bundle.manifest.version)
    with pytest.raises(BundleError, match=re.escape(message)) as caught:
        fetch(tree, root, bundle.manifest.name)
    assert bundle.manifest.name in str(caught.value)
    assert not any(path.is_file() for path in root.parent.rglob("*"))


def test_only_approved_bundles_are_fetched_and_read(tree: Tree, root: Path, bundle: Bundle) -> None:
    name, version = bundle.manifest.name, bundle.manifest.version
    digest = hashlib.sha256((bundle.folder / SHA256SUMS).read_bytes()).hexdigest()
    with pytest.raises(BundleError, match=f"not an approved bundle: {SHA256SUMS} has the digest {digest}"):
        fetch(tree, root, name, approved=("0" * 64,))
    assert not any(key.endswith("model.onnx") for key in tree.read_keys)
    fetch(tree, root, name, approved=("0" * 64, digest))
    assert read_bundle(root / name / version, (digest,)).manifest == bundle.manifest
    with pytest.raises(BundleError, match="not an approved bundle"):
        read_bundle(root / name / version, ("0" * 64,))


def test_a_damaged_cached_bundle_is_fetched_again(tree: Tree, root: Path, bundle: Bundle) -> None:
    name, version = bundle.manifest.name, bundle.manifest.version
    fetch(tree, root, name)
    flip_bit(root / name / version / "model.onnx", Random(7))
    fetch(tree, root, name)
    assert read_bundle(root / name / version).files == bundle.files


def test_a_version_that_was_released_again_replaces_the_cached_one(tree: Tree, root: Path, bundle: Bundle) -> None:
    name, version, models = bundle.manifest.name, bundle.manifest.version, tree.folder / "some/models"
    fetch(tree, root, name)
    shutil.rmtree(models / name / version)
    changed = bundle.manifest.model_copy(update={"description": "Released anew."})
    copy_as_version(Bundle(bundle.folder, changed, bundle.files), models, version)
    fetch(tree, root, name)
    assert read_bundle(root / name / version).manifest.description == "Released anew."
    assert len(list((root.parent / "sha256").iterdir())) == 2


def test_an_error_about_an_unwritable_cache_names_it(tree: Tree, root: Path, bundle: Bundle) -> None:
    root.parent.write_text("a file where the folder should be")
    with pytest.raises(BundleError, match=f"{root.parent}: cannot be written: Not a directory"):
        fetch(tree, root, bundle.manifest.name)
