"""The pointer: ``<root>/<name>/ACTIVE`` says which version of a model answers; without it, the highest does.

The first line is the version that answers, or ``none``; the second, where there is one, is the version before, to
which a rollback returns. The file is small enough to be read by people and written by ``echo 2 > ACTIVE``.
"""

import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.bundle.store import flush_folder, is_version, versions
from app.errors import BundleError

POINTER = "ACTIVE"
NOTHING = "none"
LONGEST_POINTER = 64
"""Bytes of the file that are read."""


@dataclass(frozen=True, slots=True)
class Pointer:
    """What the file says."""

    active: str | None
    """The version that answers; None: the model is unloaded, and none does."""
    previous: str | None = None
    """The version before."""


def read_pointer(root: Path, name: str) -> Pointer | None:
    """A model's pointer; None where it has no such file.

    Raises:
        BundleError: The file cannot be read, or is no pointer.
    """
    path = root / name / POINTER
    try:
        with path.open("rb") as file:
            return parse_pointer(file.read(LONGEST_POINTER + 1), path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise BundleError(f"{path}: cannot be read: {error.strerror}") from None


def parse_pointer(text: bytes, path: Path | str) -> Pointer:
    """Read a pointer's contents.

    Args:
        text: What the file holds.
        path: Where it is, for errors.

    Raises:
        BundleError: It is no pointer.
    """
    try:
        lines = text.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise BundleError(f"{path}: not plain ASCII") from None
    active, *before = [line.strip() for line in lines if line.strip()] or [""]
    if not (active == NOTHING or is_version(active)) or len(before) > 1 or not all(map(is_version, before)):
        raise BundleError(f"{path}: must hold a version, or {NOTHING}, and at most the version before on a second line")
    return Pointer(None if active == NOTHING else active, before[0] if before else None)


def active_version(root: Path, name: str) -> str | None:
    """The version of a model that is to answer: the pointer's, else the highest; None where it is unloaded.

    Raises:
        BundleError: There is no version, the pointer is broken, or it names a version that is not there.
    """
    pointer = read_pointer(root, name)
    if pointer is not None and pointer.active is None:
        return None
    return chosen(pointer, versions(root, name), root / name)


def chosen(pointer: Pointer | None, found: Sequence[str], folder: Path | str) -> str | None:
    """The version that is to answer of those that are there.

    Args:
        pointer: The model's; None: it has none.
        found: Versions that are there, lowest first.
        folder: Where, for errors.

    Returns:
        The pointer's version, else the highest; None where the pointer says that none is.

    Raises:
        BundleError: There is no version, or the pointer names one that is not there.
    """
    if pointer is not None and pointer.active is None:
        return None
    if not found:
        raise BundleError(f"{folder}: no bundle here")
    if pointer is None or pointer.active is None:
        return found[-1]
    if pointer.active not in found:
        raise BundleError(f"{folder}/{POINTER}: names version {pointer.active}, which is not there")
    return pointer.active


def activate(root: Path, name: str, version: str) -> None:
    """Let a version answer from now on, and remember the one before.

    Raises:
        BundleError: There is no such version, or the file cannot be written.
    """
    if version not in versions(root, name):
        raise BundleError(f"{root / name}: no version {version}")
    before = _answering(root, name)
    if before is None or before == version:
        pointer = _sound(root, name)
        before = pointer.previous if pointer else None
    write_pointer(root, name, Pointer(version, before))


def rollback(root: Path, name: str) -> str:
    """Let the version before answer again: the pointer's, else the next lower one.

    Returns:
        The version that answers from now on; a second rollback returns to where the first began.

    Raises:
        BundleError: There is none before, or the file cannot be written.
    """
    pointer, found, current = _sound(root, name), versions(root, name), _answering(root, name)
    lower = [version for version in found if current and int(version) < int(current)]
    previous = lower[-1] if lower else None
    if pointer and pointer.previous and pointer.previous != current:
        previous = pointer.previous
    if previous is None:
        raise BundleError(f"{root / name}: there is no version before")
    if previous not in found:
        raise BundleError(f"{root / name}: version {previous}, the one before, is not there any more")
    write_pointer(root, name, Pointer(previous, current))
    return previous


def unload(root: Path, name: str) -> None:
    """Let no version answer from now on.

    Raises:
        BundleError: The file cannot be written.
    """
    pointer = _sound(root, name)
    if pointer is None or pointer.active is not None:
        write_pointer(root, name, Pointer(None, pointer.active if pointer else None))


def reload(root: Path, name: str) -> None:
    """Undo `unload`: the version that answered before does so again.

    Raises:
        BundleError: The file cannot be written.
    """
    pointer = _sound(root, name)
    if pointer is None or pointer.active is not None:
        return
    if pointer.previous is None:
        (root / name / POINTER).unlink(missing_ok=True)
    else:
        write_pointer(root, name, Pointer(pointer.previous))


def write_pointer(root: Path, name: str, pointer: Pointer) -> None:
    """Write a model's pointer: beside its place, flushed to disk, then moved there in one step.

    Raises:
        BundleError: The folder or the disk does not take it.
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


def _answering(root: Path, name: str) -> str | None:
    try:
        return active_version(root, name)
    except BundleError:
        return None


def _sound(root: Path, name: str) -> Pointer | None:
    """A model's pointer; None where it has none or a broken one, which is about to be written anew."""
    try:
        return read_pointer(root, name)
    except BundleError:
        return None
