"""The store: a folder of bundles, ``<root>/<name>/<version>/``."""

import os
import re
import shutil
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from app.bundle.digests import SHA256SUMS, check_approved, read_verified, sums_text
from app.bundle.manifest import MANIFEST, MODEL, Manifest, parse_manifest
from app.errors import BundleError

_VERSION = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True)
class Bundle:
    """A bundle whose digests agree, in memory."""

    folder: Path
    """Where it was read from."""
    manifest: Manifest
    files: Mapping[str, bytes]
    """File name to verified contents."""


def read_bundle(folder: Path, approved: Collection[str] = ()) -> Bundle:
    """Read a bundle and verify its digests and manifest; golden rows are the loader's to check.

    Args:
        folder: ``<root>/<name>/<version>``.
        approved: Digests of the ``SHA256SUMS`` of bundles that may be loaded; empty: any.

    Returns:
        The bundle.

    Raises:
        BundleError: A file is missing, altered or unlisted, the bundle is not approved, or the manifest does not fit
            its place.
    """
    files = read_verified(folder)
    if approved:
        check_approved(sums_text(files), approved, folder)
    for required in (MANIFEST, MODEL):
        if required not in files:
            raise BundleError(f"{folder}: {required} is missing")
    try:
        manifest = parse_manifest(files[MANIFEST])
    except BundleError as error:
        raise BundleError(f"{folder}: {error}") from None
    if (manifest.name, manifest.version) != (folder.parent.name, folder.name):
        raise BundleError(f"{folder}: {MANIFEST} says {manifest.name}/{manifest.version}")
    return Bundle(folder, manifest, files)


def is_version(text: str) -> bool:
    """Whether a text is a version's number as folders have it: no sign, no leading zero, at most nine digits."""
    return _VERSION.fullmatch(text) is not None


def models(root: Path) -> list[str]:
    """Names of the models that have a version, sorted.

    Raises:
        BundleError: The folder cannot be listed.
    """
    try:
        found = sorted(path.name for path in root.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError as error:
        raise BundleError(f"{root}: cannot be read: {error.strerror}") from None
    return [name for name in found if versions(root, name)]


def versions(root: Path, name: str) -> list[str]:
    """Versions of a model, lowest first; an empty list where there is none.

    Raises:
        BundleError: The folder is there but cannot be listed.
    """
    try:
        found = [p.name for p in (root / name).iterdir() if is_version(p.name) and p.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise BundleError(f"{root / name}: cannot be read: {error.strerror}") from None
    return sorted(found, key=int)


def highest(root: Path, name: str) -> Path:
    """The folder of a model's highest version.

    Raises:
        BundleError: There is no version, or the folder cannot be listed.
    """
    found = versions(root, name)
    if not found:
        raise BundleError(f"{root / name}: no bundle here")
    return root / name / found[-1]


def write_bundle(root: Path, manifest: Manifest, files: Mapping[str, bytes]) -> Path:
    """Write a new bundle: beside its place, flushed to disk, then moved there in one step.

    Args:
        root: Folder of bundles; made where it is missing.
        manifest: Written as ``manifest.json``; names the folder.
        files: The other files, name to contents; ``SHA256SUMS`` is added.

    Returns:
        The new folder.

    Raises:
        BundleError: That version exists.
    """
    contents = {**files, MANIFEST: manifest.to_json().encode()}
    return place_files(root / manifest.name / manifest.version, contents)


def place_files(target: Path, files: Mapping[str, bytes]) -> Path:
    """Write a bundle's folder: beside its place, flushed to disk, then moved there in one step.

    Args:
        target: The new folder; those above it are made where they are missing.
        files: File name to contents; ``SHA256SUMS`` is added.

    Returns:
        The new folder.

    Raises:
        BundleError: It exists.
    """
    parent = target.parent
    parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=parent))
    try:
        for name, data in {**files, SHA256SUMS: sums_text(files).encode("ascii")}.items():
            _write_flushed(staging / name, data)
        staging.chmod(0o755)
        flush_folder(staging)
        if target.exists():
            raise BundleError(f"{target}: exists; a version is never overwritten")
        os.rename(staging, target)  # fails where a filled folder came in between
        flush_folder(parent)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    return target


def _write_flushed(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def flush_folder(folder: Path) -> None:
    """Flush a folder's own entries to disk: what was renamed there stays renamed."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
