"""The audit: one line of JSON for each change of keys, models and settings, with who, what, before and after.

Lines are appended to a file that is never rewritten. A command that cannot open it is refused before it changes
anything. The service goes on if it cannot write a line, and puts the line in its log: an operator must be able to
unload a bad model while the disk is full.
"""

import errno
import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from app.errors import SettingsError

if sys.platform != "win32":
    import pwd

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0)
_MODE = 0o600
_log = logging.getLogger(__name__)


@dataclass
class Change:
    """What changes."""

    before: object = None
    """The state before, as JSON; None: there was none."""
    after: object = None
    """The state after, as JSON; None: there is none."""
    target: str = ""
    """What it is about: the id of a key, the name of a model."""


class Audit:
    """Writes the lines."""

    def __init__(self, path: Path | None = None) -> None:
        """Initialize the audit.

        Args:
            path: The file; without one, the lines of a service go to its log, and those of commands nowhere.
        """
        self._path = path

    def note(self, who: str, what: str, change: Change) -> None:
        """Write a line for a change that a service has made; a file that cannot be written is reported in the log.

        Args:
            who: `user` or `key_holder`.
            what: Name of the change, such as ``model.unload``.
            change: The change.
        """
        line = _line(who, what, change)
        if self._path is None:
            _log.info("audit: %s", line)
            return
        try:
            _append(self._path, line)
        except OSError as error:
            _log.error("AUDIT_PATH: %s cannot be written: %s; the line is: %s", self._path, error.strerror, line)

    def check(self) -> None:
        """Check that the file can be opened for writing.

        Raises:
            SettingsError: If it cannot.
        """
        if self._path is not None:
            os.close(_open(self._path))

    @contextmanager
    def command(self, what: str, target: str = "") -> Iterator[Change]:
        """Write a line for the change that a command makes inside; none if it raises.

        Args:
            what: Name of the change.
            target: See `Change`.

        Raises:
            SettingsError: If the file cannot be opened, before anything is changed; or if the line cannot be written,
                which the message says.
        """
        change = Change(target=target)
        if self._path is None:
            yield change
            return
        descriptor = _open(self._path)
        try:
            yield change
            try:
                _write(descriptor, _line(user(), what, change))
            except OSError as error:
                raise SettingsError(
                    f"AUDIT_PATH: {self._path} cannot be written: {error.strerror}; the change is made"
                ) from None
        finally:
            os.close(descriptor)


def user() -> str:
    """Return who runs this process: ``user:NAME``, by the operating system, which no variable can change."""
    if sys.platform == "win32":
        try:
            return f"user:{os.getlogin()}"
        except OSError:  # a process without a session may have none
            return "user:unknown"
    try:
        return f"user:{pwd.getpwuid(os.getuid()).pw_name}"
    except KeyError:  # a container's user often has no name
        return f"user:{os.getuid()}"


def key_holder(key_id: str) -> str:
    """Return who called with a key: ``key:ID``."""
    return f"key:{key_id}"


def _line(who: str, what: str, change: Change) -> str:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return json.dumps(
        {
            "time": now,
            "event": "audit",
            "who": who,
            "what": what,
            "target": change.target,
            "before": change.before,
            "after": change.after,
        }
    )


def _open(path: Path) -> int:
    try:
        return os.open(path, _FLAGS, _MODE)
    except OSError as error:
        raise SettingsError(f"AUDIT_PATH: {path} cannot be written: {error.strerror}") from None


def _append(path: Path, line: str) -> None:
    descriptor = os.open(path, _FLAGS, _MODE)
    try:
        _write(descriptor, line)
    finally:
        os.close(descriptor)


def _write(descriptor: int, line: str) -> None:
    """Append a line in one system call, so that lines of several processes do not mix."""
    text = line.encode() + b"\n"
    if os.write(descriptor, text) != len(text):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.fsync(descriptor)
