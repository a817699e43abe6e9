"""Labels of beers: what a caller sends about a beer's bitterness, and the label that is made of it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from math import isfinite
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from app.domains.api import Example
from app.domains.beer.api import BeerApi
from app.domains.beer.contradictions import contradictions_of_beer
from app.domains.beer.recipe import problems
from app.domains.beer.reference import problems_of_reference
from app.domains.beer.schema import EXAMPLE_BEER, MAX_BEERS, MAX_REFERENCE_IBU, Beer
from app.domains.quantities import whole
from app.errors import InputError, Problem
from app.labels.label import Kind, Label
from app.labels.store import Offer

MAX_NOTE_LENGTH = 500
"""Characters of a remark."""
_ID_LENGTH = 32
_UNREAD = {"explain", "coverage", "quantiles", "reference"}
"""Fields of a beer that do not change what the model answers."""

EXAMPLE_FEEDBACK: dict[str, JsonValue] = {"request_id": "d2f1c3a4b5e6-17", "ibu": 41.0, "kind": "measured"}
EXAMPLE_BEER_FEEDBACK: dict[str, JsonValue] = {
    "beer": EXAMPLE_BEER,
    "ibu": 38,
    "kind": "stated",
    "note": "label of the bottle",
}
EXAMPLES: dict[str, Example] = {
    "request": {"summary": "The beer of an earlier request, measured", "value": EXAMPLE_FEEDBACK},
    "beer": {"summary": "A beer with the bitterness on its label", "value": EXAMPLE_BEER_FEEDBACK},
}


class Feedback(BaseModel):
    """The bitterness of a beer: of an earlier request, or of a beer that comes with it."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        allow_inf_nan=False,
        frozen=True,
        json_schema_extra={"examples": [EXAMPLE_FEEDBACK, EXAMPLE_BEER_FEEDBACK]},
    )

    request_id: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9._-]{1,128}$",
        description="`X-Request-ID` of the response that the label is about. It may be of another server, and may be "
        "sent before its record is written: labels and records are joined when they are read.",
    )
    row: Annotated[int | None, BeforeValidator(whole)] = Field(
        default=None, ge=0, lt=MAX_BEERS, description="Index of the beer in its batch, if the request was one."
    )
    beer: Beer | None = Field(
        default=None,
        description="The beer, if there is no request: the active model answers it, and the label keeps inputs and "
        "answer. What does not change the model's answer (explain, coverage, quantiles, reference) is left out.",
    )
    ibu: float = Field(
        ge=0, le=MAX_REFERENCE_IBU, description="The bitterness, IBU.", json_schema_extra={"unit": "IBU"}
    )
    kind: Kind = Field(description="Whether a laboratory measured it, or a bottle or a recipe states it.")
    note: str | None = Field(default=None, max_length=MAX_NOTE_LENGTH, description="Remark, which is kept as it is.")
    replace: bool = Field(
        default=False,
        description="Whether this label takes the place of another one that the same key has sent for the same beer "
        "of the same request, and of the same kind. Without it, another label is a conflict (409).",
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.request_id is None) == (self.beer is None):
            raise PydanticCustomError("request_or_beer", "give either request_id or beer, and not both")
        if self.beer is not None and (self.row is not None or self.replace):
            raise PydanticCustomError("only_with_request_id", "row and replace are for labels with a request_id")
        return self


class StoredLabel(TypedDict):
    """A label that is stored."""

    id: str


def contradictions_of_feedback(value: object) -> list[Problem]:
    """Find contradictions between the valid values of the beer of a label that the schema rejects.

    Args:
        value: The label as parsed from JSON.
    """
    beer = value.get("beer") if isinstance(value, dict) else None
    return _in_beer(contradictions_of_beer(beer)) if isinstance(beer, dict) else []


def offer_of(beers: BeerApi, feedback: Feedback, key_id: str) -> Offer:
    """Make a label. Its id depends on the key and on what the label is about, so that one that is sent again has it.

    Args:
        beers: Answers the beer that comes with a label; takes a millisecond.
        feedback: What was sent.
        key_id: Id of the caller's key. It is not kept.

    Raises:
        InputError: If the beer contradicts itself.
        ModelNotReady: If the model is not loaded.
    """
    if feedback.beer is None:
        row = feedback.row or 0
        about = _id(key_id, feedback.request_id, row, feedback.kind)
        return Offer(_label(feedback, about, request_id=feedback.request_id, row=row), feedback.replace)
    beer = feedback.beer
    if contradictions := [*problems(beer, "beer."), *_in_beer(problems_of_reference(beer.reference))]:
        raise InputError(contradictions)
    loaded, inputs, outputs = beers.graph_answer(beer)
    if not all(map(isfinite, outputs.values())):
        raise loaded.invalid_output("ibu")
    contents = beer.model_dump(mode="json", exclude=_UNREAD)
    about = _id(key_id, contents, feedback.kind, feedback.ibu, feedback.note)
    name, version = loaded.manifest.name, loaded.manifest.version
    return Offer(_label(feedback, about, model=name, version=version, inputs=inputs, outputs=outputs))


def _label(
    feedback: Feedback,
    about: str,
    request_id: str | None = None,
    row: int = 0,
    model: str | None = None,
    version: str | None = None,
    inputs: Mapping[str, float] | None = None,
    outputs: Mapping[str, float] | None = None,
) -> Label:
    return Label(
        datetime.now(UTC),
        about,
        request_id,
        row,
        model,
        version,
        inputs,
        outputs,
        feedback.ibu,
        feedback.kind,
        feedback.note,
    )


def _in_beer(found: list[Problem]) -> list[Problem]:
    return [replace(problem, field=f"beer.{problem.field}") for problem in found]


def _id(*parts: object) -> str:
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:_ID_LENGTH]
