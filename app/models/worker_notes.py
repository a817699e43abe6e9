"""What the workers of a program tell one another about models, in files beside the shared counters.

The models' folder itself may be read-only.
"""

import logging
import os
import secrets
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from app.bundle.files import read_file
from app.bundle.store import is_version

if sys.platform != "win32":  # where a program has no workers
    import fcntl

MAX_TURN_SECONDS = 30.0
"""Maximum number of seconds to wait for the other workers' turns: longer than a quarantine takes."""
_POLL_SECONDS = 0.02
_MAX_BYTES = 200
MAX_REASON = 150
"""Number of characters of a reason that are noted."""
_log = logging.getLogger(__name__)


class WorkerNotes:
    """Which version was active last, which one was verified, and which worker tries one now."""

    def __init__(self, folder: Path | None = None) -> None:
        """Initialize the notes.

        Args:
            folder: Folder that the workers share; None: there are no other workers, and nothing is noted.
        """
        self._folder = folder
        self._stopped: dict[str, tuple[str, str]] = {}
        """Id and reason by model, of what this process has stopped: the folder may be full."""

    def set_active(self, name: str, version: str) -> None:
        """Note that a version became active."""
        if self.active(name) != version:
            self._write(f"active-{name}", version)

    def active(self, name: str) -> str | None:
        """The version of a model that was active last; None if it is unknown."""
        text = self._read(f"active-{name}")
        return text if is_version(text) else None

    def set_verified(self, name: str, mark: str) -> None:
        """Note that a version passed verification.

        Args:
            name: Name of the model.
            mark: Digest of the version's name and files, and the bundle's digest.
        """
        if self.verified(name) != mark:
            self._write(f"verified-{name}", mark)

    def verified(self, name: str) -> str:
        """The mark of the version of a model that passed verification last; empty if there is none."""
        return self._read(f"verified-{name}")

    def set_stopped(self, name: str, id: str, reason: str) -> None:
        """Note that a rollout has been stopped.

        Args:
            name: Name of the model.
            id: The rollout's id.
            reason: Why it has been stopped; at most `MAX_REASON` characters of it are noted.
        """
        self._stopped[name] = (id, reason)
        self._write(f"stopped-{name}", f"{id} {reason[:MAX_REASON]}")

    def stopped(self, name: str, id: str) -> str:
        """Why a rollout has been stopped; empty if it has not been."""
        noted, _, reason = self._read(f"stopped-{name}").partition(" ")
        if noted != id or not reason:
            noted, reason = self._stopped.get(name, ("", ""))
        return reason if noted == id else ""

    def set_trying(self, name: str, id: str) -> None:
        """Note that this process tries a rollout's candidate; `end_trying` is missed if the candidate crashes it."""
        self._write(f"trying-{name}.{os.getpid()}", id or "-")

    def end_trying(self, name: str) -> None:
        """Note that this process no longer tries a rollout's candidate."""
        if self._folder is not None:
            with suppress(OSError):
                (self._folder / f"trying-{name}.{os.getpid()}").unlink()

    def crashed(self, name: str, id: str) -> bool:
        """Whether a process has ended while it tried a rollout's candidate."""
        if self._folder is None:
            return False
        for path in self._folder.glob(f"trying-{name}.*"):
            if self._read(path.name) == (id or "-") and not _is_alive(path.suffix[1:]):
                return True
        return False

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait until no other worker tries or loads a version: together they would need too much memory."""
        if self._folder is None or sys.platform == "win32":
            yield
            return
        try:
            descriptor = os.open(self._folder / "turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            yield
            return
        try:
            deadline = time.monotonic() + MAX_TURN_SECONDS
            while not _is_free(descriptor) and time.monotonic() < deadline:
                time.sleep(_POLL_SECONDS)
            yield
        finally:
            os.close(descriptor)  # which ends the turn, as the end of the process would

    def _write(self, name: str, text: str) -> None:
        if self._folder is None:
            return
        path = self._folder / name
        staged = path.with_name(f".{name}.{secrets.token_hex(4)}")
        try:
            staged.write_text(text, "ascii")
            os.replace(staged, path)
        except OSError as error:  # such as a full disk
            _log.warning("new workers will not know the state of the models: %s", error.strerror)
            staged.unlink(missing_ok=True)

    def _read(self, name: str) -> str:
        if self._folder is None:
            return ""
        try:
            return read_file(self._folder / name, _MAX_BYTES).decode("ascii", "replace")
        except OSError:
            return ""


def _is_free(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _is_alive(process: str) -> bool:
    if sys.platform == "win32" or not process.isdigit():
        return True
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
