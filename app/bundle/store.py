"""The bundles on disk, ``<root>/<name>/<version>/``."""

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from app.bundle.digests import SHA256SUMS, check_approved, read_verified, sums_text
from app.bundle.files import MAX_ENTRIES
from app.bundle.manifest import MANIFEST, MODEL, Manifest, parse_manifest
from app.errors import BundleError

_VERSION = re.compile(r"[1-9][0-9]{0,8}")
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?")


@dataclass(frozen=True)
class Bundle:
    """A verified bundle in memory."""

    folder: Path
    """The folder from which it was read."""
    manifest: Manifest
    files: Mapping[str, bytes]
    """Verified contents by file name; of a bundle from quarantine, the manifest and the graph alone."""
    digest: str = ""
    """Digest of ``SHA256SUMS``, which identifies the bundle: 64 hexadecimal digits; empty if it is unknown."""


def read_bundle(folder: Path, approved: Collection[str] = ()) -> Bundle:
    """Read a bundle, and verify its digests and its manifest. Golden rows are checked when the model is loaded.

    Args:
        folder: ``<root>/<name>/<version>``.
        approved: Digests of the ``SHA256SUMS`` of approved bundles; empty: every bundle is approved.

    Returns:
        The bundle.

    Raises:
        BundleError: If a file is missing, altered or unlisted, the bundle is not approved, or the manifest does not
            match its folder.
    """
    files = read_verified(folder)
    digest = check_approved(sums_text(files), approved, folder)
    for required in (MANIFEST, MODEL):
        if required not in files:
            raise BundleError(f"{folder}: {required} is missing")
    try:
        manifest = parse_manifest(files[MANIFEST])
    except BundleError as error:
        raise BundleError(f"{folder}: {error}") from None
    if (manifest.name, manifest.version) != (folder.parent.name, folder.name):
        raise BundleError(f"{folder}: {MANIFEST} says {manifest.name}/{manifest.version}")
    return Bundle(folder, manifest, files, digest)


def is_version(text: str) -> bool:
    """Whether a text is a version number: at most nine digits, without a leading zero."""
    return _VERSION.fullmatch(text) is not None


def models(root: Path) -> list[str]:
    """List the models that have a version, sorted by name.

    Raises:
        BundleError: If the folder cannot be listed.
    """
    try:
        with os.scandir(root) as entries:
            names = sorted(x.name for x in islice(entries, MAX_ENTRIES) if _NAME.fullmatch(x.name) and _is_folder(x))
    except OSError as error:
        raise BundleError(f"{root}: cannot be read: {error.strerror}") from None
    return [name for name in names if _has_versions(root, name)]


def _has_versions(root: Path, name: str) -> bool:
    try:
        return bool(versions(root, name))
    except BundleError:
        return True  # whoever lists them learns the reason


def versions(root: Path, name: str) -> list[str]:
    """List the versions of a model, lowest first.

    Raises:
        BundleError: If the folder exists but cannot be listed, or has too many entries.
    """
    try:
        with os.scandir(root / name) as listing:
            entries = list(islice(listing, MAX_ENTRIES + 1))
        existing = [entry.name for entry in entries if is_version(entry.name) and _is_folder(entry)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise BundleError(f"{root / name}: cannot be read: {error.strerror}") from None
    if len(entries) > MAX_ENTRIES:
        raise BundleError(f"{root / name}: more than {MAX_ENTRIES} entries")
    return sorted(existing, key=int)


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    """Whether an entry is a folder, or a link to one."""
    try:
        return entry.is_dir()
    except PermissionError:
        return True  # a link whose target cannot be read: whoever loads it learns the reason
    except OSError:
        return False


def highest(root: Path, name: str) -> Path:
    """Return the folder of a model's highest version.

    Raises:
        BundleError: If there is no version, or the folder cannot be listed.
    """
    existing = versions(root, name)
    if not existing:
        raise BundleError(f"{root / name}: no bundle here")
    return root / name / existing[-1]


def write_bundle(root: Path, manifest: Manifest, files: Mapping[str, bytes]) -> Path:
    """Write a new bundle atomically; see `place_files`.

    Args:
        root: Folder of bundles; created if it is missing.
        manifest: Written as ``manifest.json``; gives the name of the folder.
        files: Contents of the other files by name; ``SHA256SUMS`` is added.

    Returns:
        The new folder.

    Raises:
        BundleError: If the version exists.
    """
    contents = {**files, MANIFEST: manifest.to_json().encode()}
    return place_files(root / manifest.name / manifest.version, contents)


def place_files(target: Path, files: Mapping[str, bytes]) -> Path:
    """Write a bundle's folder atomically: to a temporary folder, which is flushed to disk and renamed.

    Args:
        target: The new folder; missing parents are created.
        files: Contents by file name; ``SHA256SUMS`` is added.

    Returns:
        The new folder.

    Raises:
        BundleError: If the folder exists.
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
        os.rename(staging, target)  # fails if a non-empty folder has appeared meanwhile
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
    """Flush a folder's entries to disk, so that a rename survives a crash."""
    if sys.platform == "win32":  # which opens no folders
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
