"""Files that several processes change: one process at a time, and the file is always replaced as a whole."""

import os
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform != "win32":  # Windows has no file locks of this kind: do not run two programs at once there
    import fcntl


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let one process at a time change a file.

    Args:
        path: The file; its folder must exist.

    Raises:
        OSError: If the lock's file cannot be created.
    """
    # The lock is a separate file because each change replaces the file, and a lock on the old one would be useless.
    if sys.platform == "win32":
        yield
        return
    descriptor = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def replace(path: Path, text: str) -> None:
    """Replace a file durably. A new one has mode 600; another one keeps its owner, group and mode.

    Args:
        path: The file.
        text: The new text.

    Raises:
        OSError: If the file cannot be written; it is unchanged then.
    """
    staged = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            _keep_access(path, descriptor)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(staged, path)
    except BaseException:
        staged.unlink(missing_ok=True)
        raise
    if sys.platform == "win32":  # which opens no folders
        return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _keep_access(path: Path, descriptor: int) -> None:
    """Give a new file the owner, group and mode of the one that it replaces: the same programs must be able to read it.

    Args:
        path: The file that is replaced.
        descriptor: The new file.
    """
    if sys.platform == "win32" or not path.exists():
        return
    old, new = path.stat(), os.fstat(descriptor)
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode))
