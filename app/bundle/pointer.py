"""The pointer ``<root>/<name>/ACTIVE``, which names the active version of a model; without it, the highest is active.

The first line is the active version, or ``none``. The further lines are the history: the versions that were active
before, latest first; ``none`` as the last line ends it. A rollback goes down the history and forgets the version that
it leaves. The file can be written by hand: after ``echo 2 > ACTIVE`` a rollback goes to the next lower version.
"""

import os
import secrets
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from app.bundle.files import read_file
from app.bundle.store import flush_folder, is_version, versions
from app.errors import BundleError

if sys.platform != "win32":  # on Windows, do not run two commands at once
    import fcntl

POINTER = "ACTIVE"
NOTHING = "none"
MAX_POINTER_BYTES = 1024
"""Maximum size of the file."""
MAX_HISTORY = 32
"""Number of earlier versions that the file remembers."""


@dataclass(frozen=True, slots=True)
class Pointer:
    """The contents of the file."""

    active: str | None
    """The active version; None: the model is unloaded."""
    history: tuple[str, ...] = ()
    """The versions that were active before, latest first."""
    complete: bool = False
    """Whether no other version was active before; if not, the lower versions may have been."""


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
    active, *history = [line.strip() for line in lines if line.strip()] or [""]
    complete = history[-1:] == [NOTHING]
    history = history[:-1] if complete else history
    if not (active == NOTHING or is_version(active)) or not all(map(is_version, history)):
        raise BundleError(
            f"{path}: must contain a version or {NOTHING}, and on further lines the versions that were active before"
        )
    return Pointer(None if active == NOTHING else active, tuple(history), complete)


def active_version(root: Path, name: str) -> str | None:
    """Return the active version of a model: the pointer's, or else the highest; None if the model is unloaded.

    Raises:
        BundleError: If there is no version, or the pointer is invalid or names a missing version.
    """
    pointer = read_pointer(root, name)
    if pointer is not None and (pointer.active is None or os.path.isdir(root / name / pointer.active)):
        return pointer.active
    existing = versions(root, name)
    if pointer is None:  # if `existing` has a version that was just added, its pointer was written before it
        pointer = read_pointer(root, name)
    return chosen(pointer, existing, root / name)


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


def activate(root: Path, name: str, version: str, check: Callable[[], object] = lambda: None) -> None:
    """Make a version the active one, and record the one that was active before.

    Args:
        root: Folder of bundles.
        name: Name of the model.
        version: The version.
        check: Called while no other process changes the folder; raises BundleError if the version must not be active.

    Raises:
        BundleError: If the version does not exist, it must not be active, or the file cannot be written.
    """
    with locked(root / name):
        check()
        existing = versions(root, name)
        if version not in existing:
            raise BundleError(f"{root / name}: no version {version}")
        current = _active_or_none(root, name)
        earlier = _earlier(_pointer_or_none(root, name), existing, current)
        if current is not None:
            earlier = [current, *earlier]
        write_pointer(root, name, Pointer(version, _without(earlier, version), complete=True))


def rollback(root: Path, name: str, check: Callable[[Path], object] = lambda folder: None) -> str:
    """Make the version active that was active before, and forget the present one: a rollback never returns to it.

    Args:
        root: Folder of bundles.
        name: Name of the model.
        check: Called with the previous version's folder; raises BundleError if the version must not be active.

    Returns:
        The new active version; a second rollback goes one further down the history.

    Raises:
        BundleError: If there is no previous version, it must not be active, or the file cannot be written.
    """
    with locked(root / name):
        existing, current = versions(root, name), _active_or_none(root, name)
        earlier = _without(_earlier(_pointer_or_none(root, name), existing, current), current)
        if not earlier:
            raise BundleError(
                f"{root / name}: there is no previous version; `models activate` makes another one active"
            )
        previous = earlier[0]
        if previous not in existing:
            raise BundleError(f"{root / name}: the previous version {previous} does not exist any more")
        check(root / name / previous)
        write_pointer(root, name, Pointer(previous, earlier[1:], complete=True))
        return previous


def add_inactive(root: Path, name: str, add: Callable[[], Path]) -> Path:
    """Add a version to a model without making it the active one, unless it is the model's first.

    Where no pointer exists, one to the present active version is written before the new version appears. So a service
    that watches the folder never sees the new version as the highest one without a pointer.

    Args:
        root: Folder of bundles.
        name: Name of the model.
        add: Places the new version's folder.

    Returns:
        The folder that ``add`` returned.

    Raises:
        BundleError: If the pointer cannot be written.
    """
    (root / name).mkdir(parents=True, exist_ok=True)
    with locked(root / name):
        existing = versions(root, name)
        if existing:
            write_pointer(root, name, Pointer(existing[-1]), replace=False)
            if _pointer_or_none(root, name) == Pointer(None):  # unloaded: loading it again must find the same version
                write_pointer(root, name, Pointer(None, (existing[-1],)))
        return add()


def unload(root: Path, name: str) -> None:
    """Make no version active.

    Raises:
        BundleError: If the file cannot be written.
    """
    pointer = _pointer_or_none(root, name)
    if pointer is None:
        write_pointer(root, name, Pointer(None))
    elif pointer.active is not None:
        write_pointer(root, name, Pointer(None, (pointer.active, *pointer.history), pointer.complete))


def reload(root: Path, name: str) -> None:
    """Undo `unload`: make the previously active version active again.

    Raises:
        BundleError: If the file cannot be written.
    """
    pointer = _pointer_or_none(root, name)
    if pointer is None or pointer.active is not None:
        return
    if not pointer.history:
        (root / name / POINTER).unlink(missing_ok=True)
    else:
        write_pointer(root, name, Pointer(pointer.history[0], pointer.history[1:], pointer.complete))


def write_pointer(root: Path, name: str, pointer: Pointer, replace: bool = True) -> None:
    """Write a model's pointer atomically: to a temporary file, which is flushed to disk and renamed.

    Args:
        root: Folder of bundles.
        name: Name of the model.
        pointer: The new contents.
        replace: Whether to replace a pointer that exists; otherwise it stays as it is.

    Raises:
        BundleError: If the file cannot be written.
    """
    end = [NOTHING] if pointer.complete else []
    lines = [pointer.active or NOTHING, *pointer.history[:MAX_HISTORY], *end]
    write_atomically(root / name / POINTER, "".join(f"{line}\n" for line in lines), replace)


def write_atomically(path: Path, text: str, replace: bool = True) -> None:
    """Write a file in a model's folder: to a temporary file, which is flushed to disk and renamed.

    Args:
        path: The file.
        text: Its contents, ASCII.
        replace: Whether to replace a file that exists; otherwise it stays as it is.

    Raises:
        BundleError: If the file cannot be written.
    """
    staged = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with staged.open("x", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        _place(staged, path, replace)
        flush_folder(path.parent)
    except OSError as error:
        raise BundleError(f"{path}: cannot be written: {error.strerror}") from None
    finally:
        staged.unlink(missing_ok=True)


def _place(staged: Path, target: Path, replace: bool) -> None:
    if not replace:
        try:
            os.link(staged, target)
            return
        except FileExistsError:
            return
        except OSError:  # a file system without hard links
            pass
    os.replace(staged, target)


def _earlier(pointer: Pointer | None, existing: Sequence[str], current: str | None) -> list[str]:
    """List the versions that were active before the current one, latest first; without a history, the lower ones."""
    if pointer is not None and (pointer.history or pointer.complete):
        return list(pointer.history)
    return [version for version in reversed(existing) if current and int(version) < int(current)]


def _without(history: Sequence[str], version: str | None) -> tuple[str, ...]:
    return tuple(earlier for earlier in history if earlier != version)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let one process at a time change a model's versions and pointer; the service only reads, and never waits."""
    if sys.platform == "win32":  # which has no locks of this kind
        yield
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise BundleError(f"{folder}: cannot be read: {error.strerror}") from None
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


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
