"""The declarations of inputs agree with the request schema and with the released bundles."""

import pytest

from app.bundle.store import read_bundle
from app.domains.beer.api import RECIPE, VITALS
from app.domains.beer.inputs import INPUTS, RECIPE_INPUTS, STYLE_INPUTS, VITAL_INPUTS, BeerInput
from app.domains.beer.schema import Beer
from tests.committed import committed
from tests.known import BEER


@pytest.mark.parametrize("name", [VITALS, RECIPE])
def test_the_inputs_of_a_released_bundle_are_declared_with_the_same_unit_and_group(name: str) -> None:
    manifest = read_bundle(committed(name)).manifest
    for column in manifest.inputs:
        declared = INPUTS[column.name]
        assert (declared.unit, declared.optional) == (column.unit, column.optional), column.name
    assert manifest.explanation is not None
    groups = {column: group.name for group in manifest.explanation.groups for column in group.inputs}
    assert groups == {column: INPUTS[column].group for column in groups}


@pytest.mark.parametrize("declared", RECIPE_INPUTS, ids=lambda declared: declared.name)
def test_every_input_comes_from_a_field_of_the_request(declared: BeerInput) -> None:
    assert declared.field in Beer.model_fields


def test_names_of_inputs_are_unique() -> None:
    assert len(INPUTS) == len(RECIPE_INPUTS) + len(STYLE_INPUTS)


@pytest.mark.parametrize("declared", VITAL_INPUTS, ids=lambda declared: declared.name)
def test_the_schema_accepts_the_declared_range_and_requires_what_is_not_optional(declared: BeerInput) -> None:
    ends = {"target_fg": 900.0, "target_og": 1300.0}
    for value in (declared.low, declared.high):
        assert getattr(Beer(**{**BEER, **ends, declared.field: value}), declared.field) == value
    for value in (declared.low - 0.001, declared.high + 0.001):
        with pytest.raises(ValueError, match=declared.field):
            Beer(**{**BEER, declared.field: value})
    required = {quantity.field for quantity in Beer.quantities if quantity.required}
    assert (declared.field in required) != (declared.optional or declared.computed)
