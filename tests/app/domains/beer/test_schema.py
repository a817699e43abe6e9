"""A beer's fields: bounds, units and kinds of value, each rejected by its own name."""

import json
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from app.domains.beer.answers import EXAMPLE_EXPLAINED, EXAMPLE_PREDICTION, Prediction
from app.domains.beer.schema import EXAMPLE_BEER, EXAMPLE_RECIPE, MAX_BEERS, Beer, Beers
from tests.known import BEER

BOUNDS = {"abv": (0, 70), "ebc": (0, 1000), "srm": (0, 600), "ph": (2.5, 7)}
GRAVITIES = ("target_og", "target_fg")
OPTIONAL = ("abv", "ebc", "srm", "ph")
STEP = 1e-6


def read(**changed: Any) -> Beer:
    return Beer.model_validate_json(json.dumps({**BEER, **changed}))


def rejection(**changed: Any) -> tuple[str, str]:
    """Return field and code of the only error."""
    with pytest.raises(ValidationError) as caught:
        read(**changed)
    (fault,) = caught.value.errors()
    return ".".join(map(str, fault["loc"])), fault["type"]


@pytest.mark.parametrize("field", BOUNDS)
def test_bounds_belong_to_the_range_and_values_beyond_are_rejected(field: str) -> None:
    low, high = BOUNDS[field]
    assert getattr(read(**{field: low}), field) == low
    assert getattr(read(**{field: high}), field) == high
    assert rejection(**{field: low - STEP}) == (field, "greater_than_equal")
    assert rejection(**{field: high + STEP}) == (field, "less_than_equal")


@pytest.mark.parametrize("field", GRAVITIES)
@pytest.mark.parametrize("gravity", [900, 1300, 1056.5, 0.9, 1.3, 1, 1.0565])
def test_a_gravity_is_points_or_specific_gravity(field: str, gravity: float) -> None:
    assert getattr(read(**{field: gravity}), field) == gravity


@pytest.mark.parametrize("field", GRAVITIES)
@pytest.mark.parametrize("gravity", [0, -1, 0.9 - STEP, 1.3 + STEP, 10.56, 105.6, 900 - STEP, 1300 + STEP, 10560])
def test_a_gravity_that_is_neither_is_rejected(field: str, gravity: float) -> None:
    assert rejection(**{field: gravity}) == (field, "gravity")


@pytest.mark.parametrize("field", BEER)
@pytest.mark.parametrize("value", [True, False, "5.5", "", [], [5.5], {}, {"value": 5.5}], ids=repr)
def test_only_numbers_are_numbers(field: str, value: Any) -> None:
    assert rejection(**{field: value}) == (field, "gravity" if field in GRAVITIES else "float_type")


@pytest.mark.parametrize("field", BEER)
@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400"])
def test_only_finite_numbers_are_numbers(field: str, number: str) -> None:
    text = json.dumps({**BEER, field: "HERE"}).replace('"HERE"', number)
    with pytest.raises(ValidationError) as caught:
        Beer.model_validate_json(text)
    assert [fault["loc"] for fault in caught.value.errors()] == [(field,)]


def test_alcohol_colour_and_ph_may_be_missing_or_null() -> None:
    required = {name: value for name, value in BEER.items() if name not in OPTIONAL}
    assert Beer.model_validate_json(json.dumps(required)) == read(abv=None, ebc=None, srm=None, ph=None)


@pytest.mark.parametrize("field", GRAVITIES)
def test_gravities_may_be_neither_missing_nor_null(field: str) -> None:
    assert rejection(**{field: None})[0] == field
    with pytest.raises(ValidationError) as caught:
        Beer.model_validate({name: value for name, value in BEER.items() if name != field})
    assert [(fault["loc"], fault["type"]) for fault in caught.value.errors()] == [((field,), "missing")]


@pytest.mark.parametrize("name", ["ABV", "og", "ibu", "name", "target_og ", ""])
def test_an_unknown_field_is_rejected_by_name(name: str) -> None:
    assert rejection(**{name: 1}) == (name, "extra_forbidden")


def test_a_batch_holds_one_to_a_thousand_beers() -> None:
    assert len(Beers.model_validate({"beers": [BEER] * MAX_BEERS}).beers) == 1000
    for beers, code in ([], "too_short"), ([BEER] * 1001, "too_long"):
        with pytest.raises(ValidationError) as caught:
            Beers.model_validate({"beers": beers})
        assert [fault["type"] for fault in caught.value.errors()] == [code]


def test_a_batch_names_the_index_of_the_invalid_beer_and_unknown_fields() -> None:
    with pytest.raises(ValidationError) as caught:
        Beers.model_validate({"beers": [BEER, BEER, {**BEER, "abv": 71}], "note": "x"})
    assert {fault["loc"] for fault in caught.value.errors()} == {("beers", 2, "abv"), ("note",)}


def test_the_examples_are_valid() -> None:
    Beer.model_validate(EXAMPLE_BEER)
    Beer.model_validate(EXAMPLE_RECIPE)
    answers = TypeAdapter(Prediction)
    assert answers.validate_python(EXAMPLE_PREDICTION, strict=True).keys() == Prediction.__required_keys__ | {"bu_gu"}
    assert answers.validate_python(EXAMPLE_EXPLAINED, strict=True).keys() == set(Prediction.__annotations__) - {
        "intervals",
        "quantiles",
        "style",
        "reference",
    }
