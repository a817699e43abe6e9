"""JSON bodies: validates them, and finds everything that is wrong with one at once."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import from_json

from app.domains.validation import is_complete, problems_of, repeated
from app.errors import InputError, Problem
from app.runtime.json_keys import BOM, key_counter, may_repeat_keys

ModelT = TypeVar("ModelT", bound=BaseModel)


def json_reader(
    model: type[ModelT], contradictions: Callable[[object], Sequence[Problem]] | None = None
) -> Callable[[bytes], ModelT]:
    """Return a function that reads a JSON text, which a byte order mark may precede.

    It raises `InputError` with all problems of a text: what the schema rejects, keys that an object has twice, and
    contradictions between values that the schema accepts.

    Args:
        model: The schema.
        contradictions: See `app.domains.api.Operation.contradictions`.
    """
    validate = TypeAdapter(model).validator.validate_json
    count_keys = key_counter(model)

    def read(text: bytes) -> ModelT:
        try:
            value: ModelT = validate(text)
        except ValidationError as error:
            if text.startswith(BOM) and not text.startswith(2 * BOM):
                return read(text[len(BOM) :])
            problems = problems_of(error)
            if is_complete(problems):
                problems += repeated(text)
        else:
            colons = text.count(b":")
            if colons == len(value.__pydantic_fields_set__) or colons == count_keys(value):
                return value
            problems = repeated(text) if may_repeat_keys(text, value) else []
            if not problems:
                return value
        if contradictions is not None and is_complete(problems):
            problems += contradictions(from_json(text, cache_strings="keys"))
        raise InputError(problems)  # here, so that it does not hold the validation error, which may be large

    return read
