"""Base64 text in the variants that clients send."""

import binascii
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

_DATA_URL = "data:"
_SPACE = dict.fromkeys(map(ord, " \t\r\n\f\v"))
_URL_ALPHABET = str.maketrans("-_", "+/")


def decode(text: object) -> bytes:
    """Decode Base64: standard or URL alphabet, with or without padding, white space and the prefix of a data URL.

    Args:
        text: Value from the JSON document.

    Raises:
        PydanticCustomError: If the value is not a string, is empty, or is not Base64.
    """
    if not isinstance(text, str):
        raise PydanticCustomError("string_type", "must be a string")
    if not text.isascii():  # translating other text takes a second and four bytes a character
        raise PydanticCustomError("base64", "must be Base64")
    if text[:5].lower() == _DATA_URL:
        kind, _, text = text.partition(",")
        if not kind.lower().endswith(";base64"):
            raise PydanticCustomError("base64", "a data URL must contain ;base64")
    plain = text.translate(_SPACE).translate(_URL_ALPHABET).rstrip("=")
    if not plain:
        raise PydanticCustomError("base64", "must not be empty")
    try:
        return binascii.a2b_base64(plain + "=" * (-len(plain) % 4), strict_mode=True)
    except binascii.Error:
        raise PydanticCustomError("base64", "must be Base64") from None


Base64 = Annotated[
    bytes, BeforeValidator(decode), WithJsonSchema({"type": "string", "contentEncoding": "base64", "minLength": 1})
]
"""Bytes that arrive as Base64 text."""
