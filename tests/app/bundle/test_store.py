"""Writing bundles: completely or not at all, and never over an existing one."""

import subprocess
from pathlib import Path

import pytest

from app.bundle.digests import SHA256SUMS
from app.bundle.manifest import MANIFEST
from app.bundle.store import Bundle, read_bundle, write_bundle
from app.errors import BundleError


def others(bundle: Bundle) -> dict[str, bytes]:
    """The bundle's files except its manifest."""
    return {name: data for name, data in bundle.files.items() if name != MANIFEST}


def test_a_written_bundle_is_read_back(bundle: Bundle, tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "new" / "root", bundle.manifest, others(bundle))
    assert folder == tmp_path / "new" / "root" / bundle.manifest.name / bundle.manifest.version
    again = read_bundle(folder)
    assert again.manifest == bundle.manifest
    assert {name: again.files[name] for name in others(bundle)} == others(bundle)


def test_the_digests_are_in_the_format_of_sha256sum(bundle: Bundle, tmp_path: Path) -> None:
    folder = write_bundle(tmp_path, bundle.manifest, others(bundle))
    command = ["sha256sum", "--check", "--strict", SHA256SUMS]
    checked = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    covered = sorted(path.name for path in folder.iterdir() if path.name != SHA256SUMS)
    assert (checked.returncode, sorted(checked.stdout.splitlines())) == (0, [f"{name}: OK" for name in covered])


def test_an_existing_version_is_never_overwritten(bundle: Bundle, tmp_path: Path) -> None:
    folder = write_bundle(tmp_path, bundle.manifest, others(bundle))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(BundleError, match="never overwritten"):
        write_bundle(tmp_path, bundle.manifest, {"model.onnx": b"other"})
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_a_failed_write_leaves_nothing(bundle: Bundle, tmp_path: Path) -> None:
    with pytest.raises(OSError):
        write_bundle(tmp_path, bundle.manifest, {**others(bundle), "no/such/folder": b""})
    assert list((tmp_path / bundle.manifest.name).iterdir()) == []
