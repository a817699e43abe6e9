"""Corrupted bundles: altered, missing and added files are rejected, and the message names the file."""

import shutil
from pathlib import Path
from random import Random

import pytest

from app.bundle.digests import SHA256SUMS, parse_sums
from app.bundle.store import Bundle, highest, read_bundle, versions
from app.errors import BundleError
from tests.bundles import copy_bundle, flip_bit, write_digests


@pytest.fixture
def copy(bundle: Bundle, tmp_path: Path) -> Path:
    """A copy of the committed bundle."""
    return copy_bundle(bundle, tmp_path)


def rejection(folder: Path) -> str:
    with pytest.raises(BundleError) as caught:
        read_bundle(folder)
    assert str(folder) in str(caught.value)
    return str(caught.value)


def names(folder: Path) -> list[str]:
    listing = sorted(path.name for path in folder.iterdir())
    assert {"model.onnx", "manifest.json", "MODEL_CARD.md", SHA256SUMS} <= set(listing)
    return listing


def test_the_committed_bundle_is_complete(bundle: Bundle) -> None:
    assert names(bundle.folder) == sorted([*bundle.files, SHA256SUMS])


def test_one_flipped_bit_in_any_file_is_detected_and_the_file_named(copy: Path) -> None:
    random = Random(20240229)
    for name in set(names(copy)) - {SHA256SUMS}:
        content = (copy / name).read_bytes()
        for _ in range(12):
            bit = flip_bit(copy / name, random)
            assert f"{name} is not the file that was released" in rejection(copy), (name, bit)
        (copy / name).write_bytes(content)
    read_bundle(copy)


def test_one_flipped_bit_anywhere_in_the_digests_is_detected(copy: Path) -> None:
    sums = copy / SHA256SUMS
    content = sums.read_bytes()
    listed = [*parse_sums(content.decode()), SHA256SUMS]
    for bit in range(8 * len(content)):
        altered = bytearray(content)
        altered[bit // 8] ^= 1 << bit % 8
        sums.write_bytes(altered)
        message = rejection(copy).removeprefix(str(copy))
        assert any(name in message for name in listed), (bit, message)


def test_every_missing_file_is_named(copy: Path) -> None:
    for name in names(copy):
        content = (copy / name).read_bytes()
        (copy / name).unlink()
        assert f"{name} is missing" in rejection(copy)
        (copy / name).write_bytes(content)


def test_every_truncated_or_emptied_file_is_named(copy: Path) -> None:
    for name in names(copy):
        content = (copy / name).read_bytes()
        for part in (content[:-1], content[: len(content) // 2], b""):
            if part != content:
                (copy / name).write_bytes(part)
                assert name in rejection(copy).removeprefix(str(copy))
        (copy / name).write_bytes(content)


@pytest.mark.parametrize("name", ["extra.txt", ".hidden", "model.onnx.bak", "a\x1b[31mred"])
def test_an_unlisted_file_is_named(copy: Path, name: str) -> None:
    (copy / name).write_bytes(b"")
    assert f"{name!r} is not listed" in rejection(copy)


def test_a_folder_or_a_dangling_link_instead_of_a_file_is_rejected(copy: Path) -> None:
    (copy / "model.onnx").unlink()
    (copy / "model.onnx").mkdir()
    assert "model.onnx cannot be read" in rejection(copy)
    (copy / "model.onnx").rmdir()
    (copy / "model.onnx").symlink_to("nowhere")
    assert "model.onnx cannot be read" in rejection(copy)


def test_a_folder_as_digests_or_a_missing_bundle_is_rejected(copy: Path) -> None:
    (copy / SHA256SUMS).unlink()
    (copy / SHA256SUMS).mkdir()
    assert "cannot be read" in rejection(copy)
    assert "SHA256SUMS is missing" in rejection(copy.parent / "7")


@pytest.mark.parametrize("required", ["model.onnx", "manifest.json"])
def test_a_sealed_bundle_still_needs_its_model_and_manifest(copy: Path, required: str) -> None:
    (copy / required).unlink()
    write_digests(copy)
    assert f"{required} is missing" in rejection(copy)


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "a/b", "", " ", "-", ".hidden", "x" * 101])
def test_digests_of_files_outside_the_bundle_are_rejected(copy: Path, name: str) -> None:
    (copy / SHA256SUMS).write_text(f"{'0' * 64}  {name}\n")
    assert "line 1 is not a digest" in rejection(copy)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{'0' * 64}  b\n{'0' * 64}  a\n", "line 2 is repeated or out of order"),
        (f"{'0' * 64}  a\n{'0' * 64}  a\n", "line 2 is repeated or out of order"),
        (f"{'0' * 64}  a\n\n", "line 2 is not"),
        (f"{'0' * 64}  a", "the last line is truncated"),
        (f"{'0' * 64} *a\n", "line 1 is not"),
        (f"{'A' * 64}  a\n", "line 1 is not"),
        ("", "truncated"),
    ],
)
def test_malformed_digests_are_rejected(text: str, message: str) -> None:
    with pytest.raises(BundleError, match=message):
        parse_sums(text)


def test_a_bundle_in_the_folder_of_another_is_rejected(copy: Path, bundle: Bundle) -> None:
    known = f"{bundle.manifest.name}/{bundle.manifest.version}"
    for location in copy.parent / "99", copy.parent.parent / "another" / bundle.manifest.version:
        shutil.copytree(copy, location)
        assert f"manifest.json says {known}" in rejection(location)


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('"format_version": 1', '"format_version": 2', "format_version"),
        ('"description"', '"descriptoin"', "inputs.0"),
        ('"tolerance": ', '"tolerance": -', "golden.tolerance"),
        ('"ebc": [', '"ecb": [', "document"),
        ('"name": "srm"', '"name": "ebc"', "document"),
        ("{", "[", "document"),
    ],
)
def test_an_error_in_a_sealed_manifest_names_the_field(copy: Path, old: str, new: str, field: str) -> None:
    manifest = copy / "manifest.json"
    text = manifest.read_text()
    assert old in text
    manifest.write_text(text.replace(old, new, 1) if field != "inputs.0" else new.join(text.split(old)))
    write_digests(copy)
    message = rejection(copy)
    assert "manifest.json: " in message and (field in message or field == "inputs.0")


def test_versions_are_sorted_as_numbers_and_other_folders_are_ignored(tmp_path: Path) -> None:
    for name in ("1", "2", "10", "010", "0", "v3", ".4.tmp", "5.bak"):
        (tmp_path / "beer" / name).mkdir(parents=True)
    (tmp_path / "beer" / "11").write_text("a file")
    assert versions(tmp_path, "beer") == ["1", "2", "10"]
    assert highest(tmp_path, "beer") == tmp_path / "beer" / "10"


def test_an_error_about_a_missing_bundle_names_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for root in (tmp_path, tmp_path / "nowhere", tmp_path / "file"):
        assert versions(root, "beer") == []
        with pytest.raises(BundleError, match=f"{root / 'beer'}: no bundle here"):
            highest(root, "beer")


def test_a_root_that_cannot_be_listed_is_a_bundle_error(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="cannot be read"):
        highest(tmp_path / ("x" * 300), "beer")
