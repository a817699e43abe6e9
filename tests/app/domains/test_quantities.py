"""Quantities in one of two units: converted, given once, and named in every error."""

import json
from typing import Any

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from app.batch.answers import BatchTransport
from app.domains.beer.api import BeerApi
from app.domains.beer.contradictions import contradictions_of_batch, contradictions_of_beer
from app.domains.beer.ingredients import Hop, Malt
from app.domains.beer.schema import Beer, BeerFigures, Beers
from app.domains.beer.units import points_of_plato
from app.domains.quantities import sent_as
from app.errors import InputError
from app.rest.json_body import json_reader
from tests.known import BEER

RECIPE: dict[str, Any] = {
    **BEER,
    "batch_volume_l": 20.0,
    "boil_volume_l": 25.0,
    "hops": [{"name": "Magnum", "amount_g": 30.0, "boil_minutes": 60}],
    "malts": [{"name": "Pale Ale", "amount_kg": 4.0}],
}
GRAVITY_FREE = {name: value for name, value in BEER.items() if name not in ("target_og", "target_fg")}
READ = {
    "predict": json_reader(Beer, contradictions_of_beer),
    "predict_batch": json_reader(Beers, contradictions_of_batch),
}


def faults(value: dict[str, Any], operation: str = "predict") -> list[tuple[str, str]]:
    """Return field and code of each problem of a request."""
    with pytest.raises(InputError) as caught:
        READ[operation](json.dumps(value).encode())
    return [(problem.field, problem.code) for problem in caught.value.problems]


def reasons(value: dict[str, Any]) -> list[str]:
    with pytest.raises(InputError) as caught:
        READ["predict"](json.dumps(value).encode())
    return [problem.reason for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("part", "other", "value", "field", "expected"),
    [
        (Hop, "amount_oz", 1.0, "amount_g", 28.349523125),
        (Malt, "amount_lb", 10.0, "amount_kg", 4.5359237),
        (Beer, "batch_volume_gal", 5.0, "batch_volume_l", 18.92705892),
        (Beer, "boil_volume_gal", 1.0, "boil_volume_l", 3.785411784),
        (Beer, "target_og_plato", 12.0, "target_og", 1048.369233),
        (Beer, "target_fg_plato", 3.0, "target_fg", 1011.73),
    ],
)
def test_the_other_unit_is_converted_to_the_usual_one(
    part: type[Hop | Malt | Beer], other: str, value: float, field: str, expected: float
) -> None:
    rest = {"name": "any"} if part is not Beer else {name: item for name, item in BEER.items() if name != field}
    read = part.model_validate({**rest, other: value})
    assert getattr(read, field) == pytest.approx(expected, abs=2e-3 if "plato" in other else 1e-12)
    assert getattr(read, other) is None
    assert sent_as(read, field) == other
    assert type(part.model_validate(read.model_dump(exclude_none=True))) is part


@seed(16)
@settings(max_examples=100, deadline=None)
@given(ounces=st.floats(0, 100), gallons=st.floats(0.1, 100), pounds=st.floats(0, 100))
def test_a_recipe_in_ounces_gallons_and_pounds_is_the_one_in_grams_litres_and_kilograms(
    ounces: float, gallons: float, pounds: float
) -> None:
    usual = Beer.model_validate(
        {
            **BEER,
            "batch_volume_l": gallons * 3.785411784,
            "hops": [{"name": "any", "amount_g": ounces * 28.349523125, "boil_minutes": 60}],
            "malts": [{"name": "any", "amount_kg": pounds * 0.45359237}],
        }
    )
    other = Beer.model_validate(
        {
            **BEER,
            "batch_volume_gal": gallons,
            "hops": [{"name": "any", "amount_oz": ounces, "boil_minutes": 60}],
            "malts": [{"name": "any", "amount_lb": pounds}],
        }
    )
    assert usual == other


def test_both_units_are_an_error_that_names_both() -> None:
    hop = {"name": "any", "amount_g": 1.0, "amount_oz": 1.0, "boil_minutes": 60}
    twice = {**BEER, "hops": [hop], "malts": [{"name": "any", "amount_kg": 1.0, "amount_lb": 1.0}]}
    assert faults(twice) == [("hops.0.amount_g", "given_twice"), ("malts.0.amount_kg", "given_twice")]
    assert reasons(twice)[0] == "amount_g and amount_oz are both given; give one of them"
    both = {**BEER, "target_og_plato": 12.0, "batch_volume_l": 20.0, "batch_volume_gal": 5.0}
    assert faults(both) == [("target_og", "given_twice"), ("batch_volume_l", "given_twice")]


def test_none_of_a_required_quantity_is_an_error_that_names_the_ways() -> None:
    assert faults(GRAVITY_FREE) == [("target_og", "missing"), ("target_fg", "missing")]
    assert reasons(GRAVITY_FREE)[0] == "is required: give target_og or target_og_plato"
    assert faults({**BEER, "hops": [{"name": "any", "stage": "end"}]}) == [("hops.0.amount_g", "missing")]
    assert faults({**GRAVITY_FREE, "target_og_plato": None, "target_fg": 1010}) == [("target_og", "missing")]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"abv": "x"}, [("abv", "float_type"), ("target_og", "missing"), ("target_fg", "missing")]),
        (
            {**BEER, "abv": "x", "target_og_plato": 12.0},
            [("abv", "float_type"), ("target_og", "given_twice")],
        ),
        (
            {**BEER, "hops": [{"name": 1, "amount_g": 1.0, "amount_oz": 1.0, "stage": "end"}]},
            [("hops.0.name", "string_type"), ("hops.0.amount_g", "given_twice")],
        ),
        (
            {"target_og_plato": 12.0, "hops": [{"name": "any", "amount_oz": "1 oz", "stage": "end"}]},
            [("hops.0.amount_oz", "float_type"), ("target_fg", "missing")],
        ),
        (
            {**GRAVITY_FREE, "abv": "x", "target_og_plato": 3.0, "target_fg_plato": 12.0},
            [("abv", "float_type"), ("target_fg_plato", "gravities_swapped")],
        ),
        (
            {**BEER, "reference": [{"ibu": "x", "target_og": 1050}, {"ibu": 40, "target_og": 1050}]},
            [
                ("reference.0.ibu", "float_type"),
                ("reference.1.target_fg", "missing"),
                ("reference.0.target_fg", "missing"),
            ],
        ),
    ],
)
def test_all_problems_are_found_at_once_and_each_one_once(
    value: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert faults(value) == expected
    if "reference" not in value:
        assert faults({"beers": [value]}, "predict_batch") == [(f"beers.0.{field}", code) for field, code in expected]


@pytest.mark.parametrize("other", ["target_og_plato", "target_fg_plato", "batch_volume_gal", "boil_volume_gal"])
@pytest.mark.parametrize("value", ["12", True, [12], {"value": 12, "unit": "plato"}, 1e9, -6])
def test_only_numbers_within_bounds_count(other: str, value: Any) -> None:
    beer = {name: item for name, item in BEER.items() if not other.startswith(name)}
    (fault,) = faults({**beer, other: value})
    assert fault[0] == other


@pytest.mark.parametrize("part", [BeerFigures, Hop, Malt])
def test_the_ends_of_the_other_unit_are_within_the_bounds_of_the_usual_one(
    part: type[BeerFigures | Hop | Malt],
) -> None:
    schema = part.model_json_schema()["properties"]
    for quantity in part.quantities:
        options = schema[quantity.other]["anyOf"][0]
        usual = schema[quantity.field]
        usual = usual.get("anyOf", [usual])[0]
        high = quantity.convert(options["maximum"])
        assert high <= usual["maximum"]
        if "minimum" in options:
            assert usual["minimum"] <= quantity.convert(options["minimum"])


def test_old_requests_are_read_as_before_and_say_nothing_of_other_units() -> None:
    read = Beer.model_validate(RECIPE)
    assert read.model_dump(exclude_none=True, exclude_unset=True) == RECIPE
    assert [sent_as(read, quantity.field) for quantity in Beer.quantities] == [q.field for q in Beer.quantities]


def test_a_batch_and_reference_beers_take_the_other_units() -> None:
    plato = {"target_og_plato": 14.0, "target_fg_plato": 3.0}
    batch = Beers.model_validate({"beers": [plato], "reference": [{**plato, "ibu": 40.0}]})
    assert batch.beers[0].target_og == batch.reference[0].target_og  # type: ignore[index]


def test_reference_beers_and_files_in_other_units_count_as_in_the_usual_ones(domain: BeerApi) -> None:
    usual = {
        **BEER,
        "target_og": points_of_plato(14.0),
        "batch_volume_l": 5 * 3.785411784,
        "hops": [{"name": "Magnum", "amount_g": 28.349523125, "boil_minutes": 60}],
    }
    rest = {name: item for name, item in BEER.items() if name != "target_og"}
    hops = [{"name": "Magnum", "amount_oz": 1.0, "boil_minutes": 60}]
    other = {**rest, "target_og_plato": 14.0, "batch_volume_gal": 5.0, "hops": hops}
    answers = [
        domain.predict(Beer.model_validate({**asked, "reference": [{**known, "ibu": 60.0}]}))
        for asked, known in ((usual, usual), (usual, other), (other, other))
    ]
    assert answers[0] == answers[1] == answers[2]
    row = {**{name: item for name, item in other.items() if name != "hops"}}
    row |= {f"hop1_{name}": item for name, item in hops[0].items()}
    table = f"{','.join(row)}\n{','.join(map(str, row.values()))}\n".encode()
    answered = BatchTransport(domain.operations[0]).answer(table, lambda: 60.0)
    assert bytes(answered.errors) == b""
    line, alone = json.loads(answered.predictions), domain.predict(Beer.model_validate(usual))
    assert (line["ibu"], line["estimates"]) == (alone["ibu"], alone["estimates"])


def test_a_missing_quantity_is_no_valid_beer() -> None:
    with pytest.raises(ValidationError, match="give target_fg or target_fg_plato"):
        Beer.model_validate({"target_og": 1050})
