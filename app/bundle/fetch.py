"""Fetching: bundles from a prefix of an object store, which holds the same tree as a folder of bundles, into a cache.

    <cache>/sha256/<digest>/           a bundle, by the digest of its SHA256SUMS
    <cache>/<source>/<name>/<version>  a link to it: <cache>/<source> is a folder of bundles like any other
    <cache>/<source>/<name>/ACTIVE     the version that answers

What is read back from the cache is verified like any bundle; what is fetched is verified before it is written.
"""

import hashlib
import os
import secrets
import shutil
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Protocol

from app.bundle.digests import SHA256SUMS, check_approved, parse_sums, read_verified, sums_text
from app.bundle.pointer import LONGEST_POINTER, POINTER, Pointer, chosen, parse_pointer, write_pointer
from app.bundle.store import flush_folder, is_version, place_files
from app.errors import BundleError, ObjectsError
from app.settings import ModelSettings

LARGEST_SUMS = 100_000
"""Most bytes of ``SHA256SUMS``, ..."""
LARGEST_FILE = 1 << 30
"""... and of any other file."""


class Source(Protocol):
    """Where bundles come from; `app.object_store.ObjectStore` is one."""

    def read(self, key: str, limit: int) -> bytes | None:
        """An object's bytes; None where there is none."""

    def folders(self, folder: str) -> list[str]:
        """Names of the folders in a folder."""


def cached_root(cache: Path, uri: str, endpoint: str = "") -> Path:
    """The folder of bundles in which `Fetch` leaves what comes from a source.

    Args:
        cache: Folder of the cache.
        uri: The source's name.
        endpoint: The store's address; two stores may have buckets of one name.
    """
    return cache / hashlib.sha256(f"{endpoint} {uri}".encode()).hexdigest()[:16]


def is_remote(settings: ModelSettings) -> bool:
    """Whether bundles come from an object store."""
    return settings.model_uri.startswith("s3://")


def models_root(settings: ModelSettings) -> Path:
    """Return the folder of bundles that MODEL_URI names, or the cache of what it names."""
    if is_remote(settings):
        return cached_root(settings.model_cache, settings.model_uri, settings.s3_endpoint)
    return Path(settings.model_uri)


class Fetch:
    """Takes the versions that are to answer from a source."""

    def __init__(self, source: Source, prefix: str, place: str, cache: Path, approved: Collection[str] = ()) -> None:
        """Initialize the fetch.

        Args:
            source: Where from.
            prefix: Of all its names, without slashes at its ends; empty for none.
            place: What it is called, for errors: ``s3://bucket/prefix``.
            cache: Folder of the cache.
            approved: Digests of the ``SHA256SUMS`` of bundles that may be loaded; empty: any.
        """
        self._source = source
        self._prefix = f"{prefix}/" if prefix else ""
        self._place = place
        self._cache = cache
        self._approved = approved

    def run(self, names: Iterable[str], root: Path) -> None:
        """Fetch the version of each model that is to answer, where the cache has not got it, and let it answer.

        Args:
            names: The models.
            root: See `cached_root`.

        Raises:
            BundleError: One is missing, altered, cut off or not approved, or the cache cannot be written; models
                that came before it may have been renewed, each as a whole.
        """
        for name in names:
            try:
                self._renew(name, root)
            except ObjectsError as error:
                raise BundleError(str(error)) from None
            except OSError as error:
                raise BundleError(f"{self._cache}: cannot be written: {error.strerror}") from None

    def _renew(self, name: str, root: Path) -> None:
        folder = f"{self._place}/{name}"
        text = self._source.read(f"{self._prefix}{name}/{POINTER}", LONGEST_POINTER)
        pointer = None if text is None else parse_pointer(text, f"{folder}/{POINTER}")
        found = sorted(filter(is_version, self._source.folders(f"{self._prefix}{name}")), key=int)
        version = chosen(pointer, found, folder)
        (root / name).mkdir(parents=True, exist_ok=True)
        if version is not None:
            _link(self._bundle(f"{name}/{version}"), root / name / version)
        write_pointer(root, name, Pointer(version))

    def _bundle(self, folder: str) -> Path:
        """The cache's copy of a bundle; made where it is missing or has suffered."""
        place = f"{self._place}/{folder}"
        try:
            sums = self._file(folder, SHA256SUMS, LARGEST_SUMS).decode("ascii")
            digests = parse_sums(sums)
        except UnicodeDecodeError:
            raise BundleError(f"{place}: {SHA256SUMS}: not plain ASCII") from None
        except BundleError as error:
            raise BundleError(f"{place}: {error}") from None
        target = self._cache / "sha256" / check_approved(sums, self._approved, place)
        if _is_sound(target, sums):
            return target
        files = {name: self._verified(folder, name, digest) for name, digest in digests.items()}
        shutil.rmtree(target, ignore_errors=True)
        try:
            return place_files(target, files)
        except (BundleError, OSError):
            if _is_sound(target, sums):  # another program fetched it meanwhile
                return target
            raise

    def _verified(self, folder: str, name: str, digest: str) -> bytes:
        data = self._file(folder, name, LARGEST_FILE)
        if hashlib.sha256(data).hexdigest() != digest:
            raise BundleError(
                f"{self._place}/{folder}: {name} is not the file that was released: {SHA256SUMS} has another digest"
            )
        return data

    def _file(self, folder: str, name: str, limit: int) -> bytes:
        data = self._source.read(f"{self._prefix}{folder}/{name}", limit)
        if data is None:
            raise BundleError(f"{self._place}/{folder}: {name} is missing")
        return data


def _is_sound(folder: Path, sums: str) -> bool:
    try:
        return sums_text(read_verified(folder)) == sums
    except BundleError:
        return False


def _link(target: Path, place: Path) -> None:
    """Let a version's place lead to its bundle, in one step."""
    leads = os.path.relpath(target, place.parent)
    if place.is_symlink() and os.readlink(place) == leads:
        return
    staged = place.parent / f".{place.name}.{secrets.token_hex(4)}"
    staged.symlink_to(leads)
    os.replace(staged, place)
    flush_folder(place.parent)
