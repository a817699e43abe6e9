"""What the groups share."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, SecretStr

DEFAULT_MODELS = "models"
"""The folder of the models where MODEL_URI is not set."""


class SettingGroup(BaseModel, defer_build=True):  # only the class of all settings is ever validated
    """Settings of one subject. The environment variable has the name of the attribute, in capitals."""


def none_if_empty(value: object) -> object:
    """Return None for a setting that is empty."""
    return value or None


def split(value: object) -> object:
    """Return the parts of a text between its commas."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def check_sent(key: SecretStr) -> SecretStr:
    """Check a secret that is sent in a header."""
    text = key.get_secret_value().strip()  # a file of secrets often ends in a line break
    if not (text.isascii() and text.isprintable()) or " " in text:
        raise ValueError("must be printable ASCII without spaces, as it travels in a header")
    return SecretStr(text)


def check_source(uri: str) -> str:
    """Check a folder, or a bucket of an S3-compatible store; empty: the folder of the models."""
    scheme, separator, rest = uri.partition("://")
    if separator and (scheme != "s3" or not rest.partition("/")[0]):
        raise ValueError("must be a local path or s3://bucket/prefix")
    return uri.rstrip("/") if separator else uri or DEFAULT_MODELS


SentKey = Annotated[SecretStr, AfterValidator(check_sent)]
OptionalPath = Annotated[Path | None, BeforeValidator(none_if_empty)]
