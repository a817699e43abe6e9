"""The store of keys: changes the file whole or not at all, one command at a time."""

import os
import secrets
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from app.access.keyfile import KeyFile, read_keys
from app.errors import SettingsError

if sys.platform != "win32":  # there, nothing keeps two commands apart
    import fcntl


def change_keys(path: Path, change: Callable[[KeyFile], KeyFile]) -> None:
    """Change a file of keys: read, change, write beside, flush, rename; one process at a time.

    Args:
        path: The file; a missing one is taken for an empty one.
        change: From the old contents to the new.

    Raises:
        SettingsError: The file is broken, or the folder does not take it.
    """
    path = path.resolve()  # a link stays one
    try:
        with _locked(path):
            _replace(path, change(read_keys(path) if path.exists() else KeyFile()).text())
    except OSError as error:
        raise SettingsError(f"API_KEYS_FILE: {path} cannot be written: {error.strerror}") from None


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    # A file of its own: the file of keys is another after each change, and a lock on the old one would hold nobody.
    descriptor = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if sys.platform != "win32":
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _replace(path: Path, text: str) -> None:
    staged = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            if path.exists() and os.geteuid() == 0:  # whoever served from the old file must be able to read the new
                os.fchown(descriptor, path.stat().st_uid, path.stat().st_gid)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.rename(staged, path)
    except BaseException:
        staged.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
