"""The folder of the shared counters of one program's processes.

The last process that ends removes the folder. The next program that starts removes the folders of killed programs.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from app.telemetry.shared_counters import SUFFIX

if sys.platform != "win32":  # on Windows, processes cannot share a folder
    import fcntl

PREFIX = "beer-model-"


def make_folder() -> Path:
    """Create the folder of a new program, and remove the folders of programs that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        remove_if_abandoned(folder)
    return Path(tempfile.mkdtemp(prefix=PREFIX))


def remove_if_abandoned(folder: Path) -> bool:
    """Remove a folder of shared counters if no process uses it any more.

    A process locks its file before it writes to it: a file that is not empty and not locked belongs to no process. A
    folder without such files may be about to get one, and stays.

    Args:
        folder: Any path. Other users' folders and paths that are no folders of shared counters are left alone.

    Returns:
        Whether the folder was removed.
    """
    if sys.platform == "win32":
        return False
    try:
        status = folder.lstat()
        if status.st_uid != os.geteuid():
            return False
        files = [path for path in folder.glob(f"*{SUFFIX}") if path.stat().st_size]
        if not files or any(_is_locked(path) for path in files):
            return False
    except OSError:  # removed in the meantime, or not a folder
        return False
    shutil.rmtree(folder, ignore_errors=True)
    return True


def _is_locked(path: Path) -> bool:
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
