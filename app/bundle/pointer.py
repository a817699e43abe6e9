"""The pointer ``<root>/<name>/ACTIVE``, which names the active version of a model; without it, the highest is active.

The first line is the active version, or ``none``. The optional second line is the previous version, to which a rollback
returns. The file can be written by hand: ``echo 2 > ACTIVE``.
"""

import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.bundle.files import read_file
from app.bundle.store import flush_folder, is_version, versions
from app.errors import BundleError

POINTER = "ACTIVE"
NOTHING = "none"
MAX_POINTER_BYTES = 64
"""Maximum size of the file."""


@dataclass(frozen=True, slots=True)
class Pointer:
    """The contents of the file."""

    active: str | None
    """The active version; None: the model is unloaded."""
    previous: str | None = None
    """The previously active version."""


def read_pointer(root: Path, name: str) -> Pointer | None:
    """Read a model's pointer; None if the file does not exist.

    Raises:
        BundleError: If the file cannot be read, or is invalid.
    """
    path = root / name / POINTER
    try:
        return parse_pointer(read_file(path, MAX_POINTER_BYTES, follow=True), path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise BundleError(f"{path}: cannot be read: {error.strerror}") from None


def parse_pointer(text: bytes, path: Path | str) -> Pointer:
    """Parse a pointer.

    Args:
        text: Contents of the file.
        path: Path of the file, for error messages.

    Raises:
        BundleError: If the contents are invalid.
    """
    try:
        lines = text.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise BundleError(f"{path}: not plain ASCII") from None
    active, *previous = [line.strip() for line in lines if line.strip()] or [""]
    if not (active == NOTHING or is_version(active)) or len(previous) > 1 or not all(map(is_version, previous)):
        raise BundleError(
            f"{path}: must contain a version or {NOTHING}, and optionally the previous version on a second line"
        )
    return Pointer(None if active == NOTHING else active, previous[0] if previous else None)


def active_version(root: Path, name: str) -> str | None:
    """Return the active version of a model: the pointer's, or else the highest; None if the model is unloaded.

    Raises:
        BundleError: If there is no version, or the pointer is invalid or names a missing version.
    """
    pointer = read_pointer(root, name)
    if pointer is not None and (pointer.active is None or os.path.isdir(root / name / pointer.active)):
        return pointer.active
    return chosen(pointer, versions(root, name), root / name)


def chosen(pointer: Pointer | None, existing: Sequence[str], folder: Path | str) -> str | None:
    """Choose the active version among the existing ones.

    Args:
        pointer: The model's pointer, if there is one.
        existing: The existing versions, lowest first.
        folder: The model's folder, for error messages.

    Returns:
        The pointer's version, or else the highest; None if the model is unloaded.

    Raises:
        BundleError: If there is no version, or the pointer names a missing version.
    """
    if pointer is not None and pointer.active is None:
        return None
    if not existing:
        raise BundleError(f"{folder}: no bundle here")
    if pointer is None or pointer.active is None:
        return existing[-1]
    if pointer.active not in existing:
        raise BundleError(f"{folder}/{POINTER}: names version {pointer.active}, which does not exist")
    return pointer.active


def activate(root: Path, name: str, version: str) -> None:
    """Make a version the active one, and record the previous one.

    Raises:
        BundleError: If the version does not exist, or the file cannot be written.
    """
    if version not in versions(root, name):
        raise BundleError(f"{root / name}: no version {version}")
    previous = _active_or_none(root, name)
    if previous is None or previous == version:
        pointer = _pointer_or_none(root, name)
        previous = pointer.previous if pointer else None
    write_pointer(root, name, Pointer(version, previous))


def rollback(root: Path, name: str, check: Callable[[Path], object] = lambda folder: None) -> str:
    """Make the previous version the active one: the pointer's, or else the next lower one.

    Args:
        root: Folder of bundles.
        name: Name of the model.
        check: Called with the previous version's folder; raises BundleError if the version must not be active.

    Returns:
        The new active version; a second rollback undoes the first.

    Raises:
        BundleError: If there is no previous version, it must not be active, or the file cannot be written.
    """
    pointer, existing, current = _pointer_or_none(root, name), versions(root, name), _active_or_none(root, name)
    lower = [version for version in existing if current and int(version) < int(current)]
    previous = lower[-1] if lower else None
    if pointer and pointer.previous and pointer.previous != current:
        previous = pointer.previous
    if previous is None:
        raise BundleError(f"{root / name}: there is no previous version")
    if previous not in existing:
        raise BundleError(f"{root / name}: the previous version {previous} does not exist any more")
    check(root / name / previous)
    write_pointer(root, name, Pointer(previous, current))
    return previous


def unload(root: Path, name: str) -> None:
    """Make no version active.

    Raises:
        BundleError: If the file cannot be written.
    """
    pointer = _pointer_or_none(root, name)
    if pointer is None or pointer.active is not None:
        write_pointer(root, name, Pointer(None, pointer.active if pointer else None))


def reload(root: Path, name: str) -> None:
    """Undo `unload`: make the previously active version active again.

    Raises:
        BundleError: If the file cannot be written.
    """
    pointer = _pointer_or_none(root, name)
    if pointer is None or pointer.active is not None:
        return
    if pointer.previous is None:
        (root / name / POINTER).unlink(missing_ok=True)
    else:
        write_pointer(root, name, Pointer(pointer.previous))


def write_pointer(root: Path, name: str, pointer: Pointer) -> None:
    """Write a model's pointer atomically: to a temporary file, which is flushed to disk and renamed.

    Raises:
        BundleError: If the file cannot be written.
    """
    folder = root / name
    text = "".join(f"{line}\n" for line in (pointer.active or NOTHING, pointer.previous) if line)
    staged = folder / f".{POINTER}.{secrets.token_hex(4)}"
    try:
        with staged.open("x", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(staged, folder / POINTER)
        flush_folder(folder)
    except OSError as error:
        raise BundleError(f"{folder / POINTER}: cannot be written: {error.strerror}") from None
    finally:
        staged.unlink(missing_ok=True)


def _active_or_none(root: Path, name: str) -> str | None:
    try:
        return active_version(root, name)
    except BundleError:
        return None


def _pointer_or_none(root: Path, name: str) -> Pointer | None:
    """Read a pointer that is about to be replaced; None if it is missing or invalid."""
    try:
        return read_pointer(root, name)
    except BundleError:
        return None
