"""Base64: pictures as text, in any of the ways that clients write it."""

import base64
import binascii
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

_DATA_URL = "data:"
_SPACE = dict.fromkeys(map(ord, " \t\r\n\f\v"))
_URL_ALPHABET = str.maketrans("-_", "+/")


def decoded(text: object) -> bytes:
    """Bytes from Base64: the standard or the URL alphabet, as a data URL or alone, with white space, padded or not.

    Args:
        text: As it stands in the JSON.

    Raises:
        PydanticCustomError: It is no text, empty, or no Base64.
    """
    if not isinstance(text, str):
        raise PydanticCustomError("string_type", "must be a string")
    if text[:5].lower() == _DATA_URL:
        kind, _, text = text.partition(",")
        if not kind.lower().endswith(";base64"):
            raise PydanticCustomError("base64", "must be a data URL with ;base64, where it is one")
    plain = text.translate(_SPACE).translate(_URL_ALPHABET).rstrip("=")
    if not plain:
        raise PydanticCustomError("base64", "must not be empty")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise PydanticCustomError("base64", "must be Base64") from None


Base64 = Annotated[
    bytes, BeforeValidator(decoded), WithJsonSchema({"type": "string", "contentEncoding": "base64", "minLength": 1})
]
"""Bytes that come as Base64 text."""
