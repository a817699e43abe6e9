"""The folder in which the processes of one program put their sheets: it goes with the last of them, however that ends.

Whoever ends by itself looks whether another is left. What a killed program leaves goes when the next one starts.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from app.telemetry.shared_counters import SUFFIX

if sys.platform != "win32":  # there, processes cannot share a folder
    import fcntl

PREFIX = "beer-model-"


def make_folder() -> Path:
    """Make a folder for the sheets of a program that starts, and remove those whose programs are gone."""
    for left in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        remove_if_abandoned(left)
    return Path(tempfile.mkdtemp(prefix=PREFIX))


def remove_if_abandoned(folder: Path) -> bool:
    """Remove a folder of sheets if no process counts in it any more.

    A sheet is locked before anything is written to it: one that holds something and is not locked has lost its process.
    Where there is none yet, one may be about to come.

    Args:
        folder: Any path; what is not ours, or not a folder of sheets, is let be.

    Returns:
        Whether it was removed.
    """
    try:
        status = folder.lstat()
        if status.st_uid != os.geteuid():
            return False
        sheets = [path for path in folder.glob(f"*{SUFFIX}") if path.stat().st_size]
        if not sheets or any(_is_locked(path) for path in sheets):
            return False
    except OSError:  # gone meanwhile, or never a folder
        return False
    shutil.rmtree(folder, ignore_errors=True)
    return True


def _is_locked(sheet: Path) -> bool:
    with sheet.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
