"""Bundles that a test may change: copies of committed bundles, and bundles with matching digests but wrong contents."""

import json
import shutil
from pathlib import Path
from random import Random

from app.bundle.digests import SHA256SUMS, sums_text
from app.bundle.manifest import MANIFEST
from app.bundle.store import Bundle, write_bundle


def copy_bundle(bundle: Bundle, root: Path) -> Path:
    """Copy a bundle to ``<root>/<name>/<version>``.

    Args:
        bundle: The bundle to copy.
        root: A folder of bundles.

    Returns:
        The copy's folder.
    """
    return Path(shutil.copytree(bundle.folder, root / bundle.manifest.name / bundle.manifest.version))


def copy_as_version(bundle: Bundle, root: Path, version: int | str) -> Path:
    """Write a valid copy with another version number. `write_bundle` moves it into the folder in one step.

    Args:
        bundle: The bundle to copy.
        root: A folder of bundles.
        version: The version number of the copy.

    Returns:
        The copy's folder.
    """
    others = {name: data for name, data in bundle.files.items() if name != MANIFEST}
    return write_bundle(root, bundle.manifest.model_copy(update={"version": str(version)}), others)


def copy_models(models: Path, bundle: Bundle, root: Path) -> Path:
    """Copy all bundles, but of one model only version 1.

    Args:
        models: The folder of the bundles.
        bundle: The bundle of that model, of whatever version.
        root: The new folder.

    Returns:
        The new folder.
    """
    shutil.copytree(models, root)
    shutil.rmtree(root / bundle.manifest.name)
    copy_as_version(bundle, root, 1)
    return root


def corrupt_golden_rows(folder: Path) -> None:
    """Make the golden rows wrong but keep the digests valid, so that only running the model detects it."""
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["golden"]["outputs"][manifest["outputs"][0]["name"]][0] += 5.0
    (folder / MANIFEST).write_text(json.dumps(manifest))
    write_digests(folder)


def write_digests(folder: Path) -> None:
    """Write the digests of the files that the folder contains now."""
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != SHA256SUMS}
    (folder / SHA256SUMS).write_text(sums_text(files))


def flip_bit(path: Path, random: Random) -> int:
    """Flip one random bit of a file and return its index."""
    data = bytearray(path.read_bytes())
    bit = random.randrange(8 * len(data))
    data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)
    return bit
