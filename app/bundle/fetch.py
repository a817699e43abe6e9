"""Fetches bundles from an object store into a local cache. The store has the layout of a folder of bundles.

    <cache>/sha256/<digest>/           a bundle, by the digest of its SHA256SUMS
    <cache>/<source>/<name>/<version>  a link to the bundle; <cache>/<source> is a folder of bundles
    <cache>/<source>/<name>/ACTIVE     the active version

Bundles are verified before they are written to the cache, and again when they are read from it.
"""

import hashlib
import os
import secrets
import shutil
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Protocol

from app.bundle.digests import SHA256SUMS, check_approved, parse_sums, read_verified, size_limit, sums_text
from app.bundle.files import MAX_SUMS_BYTES
from app.bundle.pointer import MAX_POINTER_BYTES, POINTER, Pointer, chosen, parse_pointer, write_pointer
from app.bundle.store import flush_folder, is_version, place_files
from app.errors import BundleError, ObjectsError
from app.settings import ModelSettings


class Source(Protocol):
    """A source of bundles, such as `app.object_store.ObjectStore`."""

    def read(self, key: str, limit: int) -> bytes | None:
        """Read an object; None if it does not exist."""

    def folders(self, folder: str) -> list[str]:
        """List the names of the folders in a folder."""


def cached_root(cache: Path, uri: str, endpoint: str = "") -> Path:
    """Return the folder of bundles to which `Fetch` writes the bundles of a source.

    Args:
        cache: Folder of the cache.
        uri: URI of the source.
        endpoint: Address of the store: different stores may have buckets of the same name.
    """
    return cache / hashlib.sha256(f"{endpoint} {uri}".encode()).hexdigest()[:16]


def is_remote(settings: ModelSettings) -> bool:
    """Whether the bundles are in an object store."""
    return settings.model_uri.startswith("s3://")


def models_root(settings: ModelSettings) -> Path:
    """Return the folder of bundles that MODEL_URI names, or the cache of what it names."""
    if is_remote(settings):
        return cached_root(settings.model_cache, settings.model_uri, settings.s3_endpoint)
    return Path(settings.model_uri)


class Fetch:
    """Fetches the active versions from a source."""

    def __init__(self, source: Source, prefix: str, uri: str, cache: Path, approved: Collection[str] = ()) -> None:
        """Create a fetch.

        Args:
            source: The source.
            prefix: Prefix of all object names, without slashes at its ends; may be empty.
            uri: URI of the source, for error messages: ``s3://bucket/prefix``.
            cache: Folder of the cache.
            approved: Digests of the ``SHA256SUMS`` of approved bundles; empty: every bundle is approved.
        """
        self._source = source
        self._prefix = f"{prefix}/" if prefix else ""
        self._uri = uri
        self._cache = cache
        self._approved = approved

    def run(self, names: Iterable[str], root: Path, optional: Collection[str] = ()) -> list[str]:
        """Fetch the active version of each model, unless the cache has it, and make it active in the cache.

        Args:
            names: Names of the models.
            root: See `cached_root`.
            optional: Models that may be missing.

        Returns:
            Names of the models that the source has.

        Raises:
            BundleError: If a bundle is missing, altered, truncated or not approved, or the cache cannot be written.
                Models fetched before the error stay updated.
        """
        fetched = []
        for name in names:
            try:
                if self._update(name, root, name in optional):
                    fetched.append(name)
            except ObjectsError as error:
                raise BundleError(str(error)) from None
            except OSError as error:
                raise BundleError(f"{self._cache}: cannot be written: {error.strerror}") from None
        return fetched

    def _update(self, name: str, root: Path, optional: bool) -> bool:
        """Fetch the active version; return whether there is one, or raise an error if it is not optional."""
        folder = f"{self._uri}/{name}"
        text = self._source.read(f"{self._prefix}{name}/{POINTER}", MAX_POINTER_BYTES)
        pointer = None if text is None else parse_pointer(text, f"{folder}/{POINTER}")
        existing = sorted(filter(is_version, self._source.folders(f"{self._prefix}{name}")), key=int)
        if optional and pointer is None and not existing:
            return False
        version = chosen(pointer, existing, folder)
        (root / name).mkdir(parents=True, exist_ok=True)
        if version is not None:
            _link(self._bundle(f"{name}/{version}"), root / name / version)
        write_pointer(root, name, Pointer(version))
        return True

    def _bundle(self, folder: str) -> Path:
        """Return the cached copy of a bundle; fetch it if it is missing or damaged."""
        uri = f"{self._uri}/{folder}"
        try:
            sums = self._file(folder, SHA256SUMS, MAX_SUMS_BYTES).decode("ascii")
            digests = parse_sums(sums)
        except UnicodeDecodeError:
            raise BundleError(f"{uri}: {SHA256SUMS}: not plain ASCII") from None
        except BundleError as error:
            raise BundleError(f"{uri}: {error}") from None
        target = self._cache / "sha256" / check_approved(sums, self._approved, uri)
        if _is_sound(target, sums):
            return target
        files: dict[str, bytes] = {}
        for name, digest in digests.items():
            limit = size_limit(name, sum(map(len, files.values())))
            files[name] = self._verified(folder, name, digest, limit)
        shutil.rmtree(target, ignore_errors=True)
        try:
            return place_files(target, files)
        except (BundleError, OSError):
            if _is_sound(target, sums):  # another process has fetched it meanwhile
                return target
            raise

    def _verified(self, folder: str, name: str, digest: str, limit: int) -> bytes:
        data = self._file(folder, name, limit)
        if hashlib.sha256(data).hexdigest() != digest:
            raise BundleError(
                f"{self._uri}/{folder}: {name} is not the file that was released: {SHA256SUMS} has another digest"
            )
        return data

    def _file(self, folder: str, name: str, limit: int) -> bytes:
        data = self._source.read(f"{self._prefix}{folder}/{name}", limit)
        if data is None:
            raise BundleError(f"{self._uri}/{folder}: {name} is missing")
        return data


def _is_sound(folder: Path, sums: str) -> bool:
    try:
        return sums_text(read_verified(folder)) == sums
    except BundleError:
        return False


def _link(target: Path, link: Path) -> None:
    """Create or replace the link of a version atomically."""
    relative = os.path.relpath(target, link.parent)
    if link.is_symlink() and os.readlink(link) == relative:
        return
    staged = link.parent / f".{link.name}.{secrets.token_hex(4)}"
    staged.symlink_to(relative)
    os.replace(staged, link)
    flush_folder(link.parent)
