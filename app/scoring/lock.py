"""One run at a time for an output."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from app.errors import ScoringError
from app.scoring.layout import LOCK
from app.scoring.output import Output

if sys.platform != "win32":
    import fcntl


@contextmanager
def locked(output: Output) -> Iterator[None]:
    """Keep other runs on this machine from the same output. A bucket has no locks.

    Args:
        output: The output; its folder is made.

    Raises:
        ScoringError: If another run is at work, or the folder cannot be made.
    """
    if output.folder is None or sys.platform == "win32":
        yield
        return
    try:
        output.folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(output.folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise ScoringError(f"{output.address}: cannot be written: {error.strerror}") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ScoringError(f"{output.address}: another run is writing there") from None
        yield
    finally:
        os.close(descriptor)
