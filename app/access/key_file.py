"""The key file: its format, how it is read, and how it is changed.

The file is one JSON document rather than lines of JSON, so that a truncated file is always detected.
"""

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from app.access.keys import DEFAULT_ID
from app.access.rates import check_rate
from app.errors import SettingsError
from app.runtime.json_keys import BOM, repeated_keys
from app.shared_file import locked, replace

MAX_BYTES = 4 * 1024**2
"""Maximum size of a key file: some 20,000 keys."""
HOW_TO_CREATE = "create it with: python -m app keys create --name NAME"


class StoredKey(BaseModel):
    """An entry of the key file. The key itself is not stored."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")
    """Identifier in logs and in the output of ``keys list``."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """SHA-256 of the key. A key is 256 random bits, so a slower hash would add no protection."""
    scopes: frozenset[Literal["predict", "metrics", "admin", "feedback"]] = Field(min_length=1)
    created: AwareDatetime
    expires: AwareDatetime | None = None
    rate: Annotated[str, AfterValidator(check_rate)] | None = None

    def line(self) -> str:
        """Return the entry as one line of JSON."""
        stored = self.model_copy(update={"scopes": sorted(self.scopes)})
        return stored.model_dump_json(exclude_none=True, warnings=False)


class KeyFile(BaseModel):
    """The contents of the key file."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)

    format_version: Literal[1] = 1
    keys: tuple[StoredKey, ...] = ()

    @model_validator(mode="after")
    def _unique(self) -> Self:
        for field in ("id", "sha256"):
            if len({getattr(key, field) for key in self.keys}) != len(self.keys):
                raise ValueError(f"two keys have the same {field}")
        if any(key.id == DEFAULT_ID for key in self.keys):
            raise ValueError(f"the id {DEFAULT_ID} is reserved for API_KEY")
        return self

    def text(self) -> str:
        """Return the file's text, with one key per line."""
        lines = ",\n".join(f"  {key.line()}" for key in self.keys)
        return f'{{"format_version": 1, "keys": [\n{lines}\n]}}\n'


_FIELDS = StoredKey.model_fields.keys() | KeyFile.model_fields.keys()
"""Field names that error messages may contain; any other name could be a key in the wrong position."""


def read_keys(path: Path) -> KeyFile:
    """Read a key file.

    Args:
        path: The file.

    Returns:
        Its contents.

    Raises:
        SettingsError: If the file is missing, broken, not a regular file, or larger than `MAX_BYTES`. The message gives
            the position and repeats no contents.
    """
    try:
        text = _read(path).removeprefix(BOM)
        keys = KeyFile.model_validate_json(text)
    except FileNotFoundError:
        raise SettingsError(f"API_KEYS_FILE: {path} is missing; {HOW_TO_CREATE}") from None
    except OSError as error:
        raise SettingsError(f"API_KEYS_FILE: {path} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        location = ".".join(str(part) for part in first["loc"] if part in _FIELDS or isinstance(part, int))
        reason = "not a JSON key file" if first["type"] == "json_invalid" else first["msg"]
        prefix = f"{location}: " if location else ""
        raise SettingsError(f"API_KEYS_FILE: {path} is broken: {prefix}{reason}") from None
    if repeated_keys(text):
        raise SettingsError(f"API_KEYS_FILE: {path} is broken: a field is given more than once")
    return keys


def _read(path: Path) -> bytes:
    """Read a regular file without waiting: opening a named pipe would wait for its other end."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise SettingsError(f"API_KEYS_FILE: {path} is not a regular file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            contents = file.read(MAX_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(contents) > MAX_BYTES:
        raise SettingsError(f"API_KEYS_FILE: {path} is larger than {MAX_BYTES >> 20} MB")
    return contents


def change_keys(path: Path, change: Callable[[KeyFile], KeyFile]) -> None:
    """Change a key file atomically, one process at a time.

    Args:
        path: The file; a missing file counts as empty.
        change: Computes the new contents from the old ones.

    Raises:
        SettingsError: If the file is broken, or cannot be written.
    """
    path = path.resolve()  # keeps a symbolic link in place
    try:
        with locked(path):
            replace(path, change(read_keys(path) if path.exists() else KeyFile()).text())
    except OSError as error:
        raise SettingsError(f"API_KEYS_FILE: {path} cannot be written: {error.strerror}") from None
