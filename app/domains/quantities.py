"""Quantities of a request in one of several units, by one convention: the name of a field ends in its unit.

A quantity that people state in two units has a field for each, and a request gives exactly one of them. Only numbers
count: the name says the unit, so no value does. Validation converts the other unit to the usual one, so that the rest
of the program knows the usual field alone; `model_fields_set` says which was sent.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

MISSING, TWICE = "missing", "given_twice"
"""Codes of a quantity that is required and not given, and of one that is given in both units."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A quantity that a request gives in one of two units.

    Attributes:
        field: Field of the usual unit, which the program reads.
        other: Field of the other unit; None in a validated request.
        convert: Converts the other unit to the usual one.
        required: Whether one of the two must be given.
    """

    field: str
    other: str
    convert: Callable[[float], float]
    required: bool = False

    @property
    def ways(self) -> tuple[str, str]:
        """Both fields."""
        return self.field, self.other

    def problem(self, given: frozenset[str]) -> tuple[str, str] | None:
        """Find what is wrong with the fields that a request gives.

        Args:
            given: Names of the fields that are not null.

        Returns:
            Code and reason, which names both fields; None if nothing is wrong.
        """
        if self.field in given and self.other in given:
            return TWICE, f"{self.field} and {self.other} are both given; give one of them"
        if self.required and self.field not in given and self.other not in given:
            return MISSING, f"is required: give {self.field} or {self.other}"
        return None


class Measured(BaseModel):
    """A part of a request with quantities in one of two units."""

    quantities: ClassVar[tuple[Quantity, ...]] = ()
    """The quantities."""
    _others: ClassVar[frozenset[str]] = frozenset()
    _required: ClassVar[frozenset[str]] = frozenset()

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Prepare the fast check of `_convert`."""
        super().__pydantic_init_subclass__(**kwargs)
        cls._others = frozenset(quantity.other for quantity in cls.quantities)
        cls._required = frozenset(quantity.field for quantity in cls.quantities if quantity.required)

    @model_validator(mode="after")
    def _convert(self) -> Self:
        sent = self.__pydantic_fields_set__
        if self._others.isdisjoint(sent) and self._required <= sent:  # nearly every request
            return self
        values = self.__dict__
        problems = found_in(type(self), {name: values[name] for name in sent})
        if problems:
            raise ValidationError.from_exception_data(
                type(self).__name__,
                [
                    InitErrorDetails(
                        type=PydanticCustomError(code, "{reason}", {"reason": reason}), loc=(field,), input={}
                    )
                    for field, code, reason in problems
                ],
            )
        for quantity in self.quantities:
            value = values.get(quantity.other)
            if value is not None:
                values[quantity.field] = quantity.convert(value)
                values[quantity.other] = None
        return self


def found_in(part: type[Measured], value: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Find quantities that a part of a request gives twice or not at all.

    Args:
        part: The schema of the part.
        value: Its fields as sent, valid or not.

    Returns:
        Field, code and reason of each problem.
    """
    given = frozenset(name for name, item in value.items() if item is not None)
    found = [(quantity.field, quantity.problem(given)) for quantity in part.quantities]
    return [(field, *problem) for field, problem in found if problem]


def sent_as(part: Measured, field: str) -> str:
    """Return the name of the field by which a request gave a quantity.

    Args:
        part: A validated part of the request.
        field: Field of the usual unit.
    """
    for quantity in part.quantities:
        if quantity.field == field and quantity.other in part.model_fields_set and field not in part.model_fields_set:
            return quantity.other
    return field


def whole(value: object) -> object:
    """Return a whole number of JSON that is written with a decimal point, 2.0, as an integer; all else as it is."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
