"""Bundles that a test may break: copies of the committed one, and ones whose digests agree with wrong contents."""

import json
import shutil
from pathlib import Path
from random import Random

from app.bundle.digests import SHA256SUMS, sums_text
from app.bundle.manifest import MANIFEST
from app.bundle.store import Bundle, write_bundle


def copy_of(bundle: Bundle, root: Path) -> Path:
    """A copy at its own place, ``<root>/<name>/<version>``.

    Args:
        bundle: What to copy.
        root: A folder of bundles.

    Returns:
        The copy's folder.
    """
    return Path(shutil.copytree(bundle.folder, root / bundle.manifest.name / bundle.manifest.version))


def version_of(bundle: Bundle, root: Path, version: int | str) -> Path:
    """A sound copy under another version's number, moved to its place in one step as `write_bundle` does.

    Args:
        bundle: What to copy.
        root: A folder of bundles.
        version: The number.

    Returns:
        The copy's folder.
    """
    others = {name: data for name, data in bundle.files.items() if name != MANIFEST}
    return write_bundle(root, bundle.manifest.model_copy(update={"version": str(version)}), others)


def spoil(folder: Path) -> None:
    """Make golden rows wrong and digests right: only who runs the model finds out."""
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["golden"]["outputs"][manifest["outputs"][0]["name"]][0] += 5.0
    (folder / MANIFEST).write_text(json.dumps(manifest))
    seal(folder)


def seal(folder: Path) -> None:
    """Write the digests anew, so that they agree with whatever stands there now."""
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != SHA256SUMS}
    (folder / SHA256SUMS).write_text(sums_text(files))


def flip_bit(path: Path, random: Random) -> int:
    """Turn one bit of a file over; gives its number."""
    data = bytearray(path.read_bytes())
    bit = random.randrange(8 * len(data))
    data[bit // 8] ^= 1 << bit % 8
    path.write_bytes(data)
    return bit
