"""The file of keys: what stands in it, and how it is read.

One JSON document and not lines of JSON, so that a file that is cut off anywhere is seen to be broken.
"""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from app.access.keys import DEFAULT_ID
from app.access.rates import check_rate
from app.errors import SettingsError

HOW_TO_MAKE = "make it with: python -m app keys create --name NAME"


class StoredKey(BaseModel):
    """One key as it stands in the file; the key itself does not."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$")
    """Name in logs; shown by `keys list`."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """SHA-256 of the key, which is 256 random bits: nothing slower is needed to keep it from being guessed."""
    scopes: frozenset[Literal["predict", "metrics", "admin"]] = Field(min_length=1)
    created: AwareDatetime
    expires: AwareDatetime | None = None
    rate: Annotated[str, AfterValidator(check_rate)] | None = None

    def line(self) -> str:
        """The key as one line of JSON."""
        stored = self.model_copy(update={"scopes": sorted(self.scopes)})
        return stored.model_dump_json(exclude_none=True, warnings=False)


class KeyFile(BaseModel):
    """The file's contents."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True)

    format_version: Literal[1] = 1
    keys: tuple[StoredKey, ...] = ()

    @model_validator(mode="after")
    def _unique(self) -> Self:
        for part in ("id", "sha256"):
            if len({getattr(key, part) for key in self.keys}) != len(self.keys):
                raise ValueError(f"two keys have the same {part}")
        if any(key.id == DEFAULT_ID for key in self.keys):
            raise ValueError(f"the id {DEFAULT_ID} is that of API_KEY")
        return self

    def text(self) -> str:
        """The file's contents, one key a line."""
        lines = ",\n".join(f"  {key.line()}" for key in self.keys)
        return f'{{"format_version": 1, "keys": [\n{lines}\n]}}\n'


_FIELDS = StoredKey.model_fields.keys() | KeyFile.model_fields.keys()
"""Names that may be told; any other could be a key that somebody put in the wrong place."""


def read_keys(path: Path) -> KeyFile:
    """Read a file of keys.

    Args:
        path: The file.

    Returns:
        The keys.

    Raises:
        SettingsError: It is missing or broken; the message says where, and shows nothing of it.
    """
    try:
        return KeyFile.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise SettingsError(f"API_KEYS_FILE: {path} is missing; {HOW_TO_MAKE}") from None
    except OSError as error:
        raise SettingsError(f"API_KEYS_FILE: {path} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"] if part in _FIELDS or isinstance(part, int))
        told = "is not the JSON of a file of keys" if first["type"] == "json_invalid" else first["msg"]
        raise SettingsError(f"API_KEYS_FILE: {path} is broken: {f'{where}: ' if where else ''}{told}") from None
