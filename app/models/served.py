"""Which version of each model was active last, shared by the workers of a program."""

import logging
import os
import secrets
from pathlib import Path

from app.bundle.files import read_file
from app.bundle.store import is_version

_MAX_BYTES = 16
_log = logging.getLogger(__name__)


class LastServed:
    """Files beside the shared counters, one for each model. The models' folder itself may be read-only."""

    def __init__(self, folder: Path | None = None) -> None:
        """Initialize the memory.

        Args:
            folder: Folder that the workers share; None: nothing is remembered.
        """
        self._folder = folder

    def remember(self, name: str, version: str) -> None:
        """Remember that a version became active; a full disk costs a line in the log."""
        if self._folder is None or self.version(name) == version:
            return
        path = self._path(self._folder, name)
        staged = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            staged.write_text(version, "ascii")
            os.replace(staged, path)
        except OSError as error:
            staged.unlink(missing_ok=True)
            _log.warning("a new worker will not know the active version of %s: %s", name, error.strerror)

    def version(self, name: str) -> str | None:
        """The version of a model that was active last; None if it is unknown."""
        if self._folder is None:
            return None
        try:
            text = read_file(self._path(self._folder, name), _MAX_BYTES).decode("ascii", "replace")
        except OSError:
            return None
        return text if is_version(text) else None

    def _path(self, folder: Path, name: str) -> Path:
        return folder / f"served-{name}"
