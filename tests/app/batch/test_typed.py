"""Rows of typed columns are those of a table and of JSON."""

import math
from decimal import Decimal
from typing import Any

import pytest

from app.batch.columns import columns_of
from app.batch.typed import typed_columns, typed_row
from app.domains.beer.schema import Beer

COLUMNS = columns_of(Beer, {"id": "verbatim", "ibu": "number"})


def row_of(values: dict[str, Any]) -> Any:
    return typed_row(values, typed_columns(list(values), COLUMNS))


def test_values_are_those_of_json() -> None:
    row = row_of(
        {
            "ID": 7,
            "abv": Decimal("5.5"),
            "Target OG": "1.050",
            "target_fg": 1010,
            "ebc": math.nan,
            "yeast": "NA",
            "other": None,
            "hops": [{"name": "Magnum", "amount_g": 20.0, "stage": None}],
            "malt2_name": "Pale",
            "malt2_amount_kg": 4.5,
        }
    )
    assert row.problems == ()
    assert row.values == {
        "id": "7",
        "abv": 5.5,
        "target_og": 1.05,
        "target_fg": 1010,
        "hops": [{"name": "Magnum", "amount_g": 20.0}],
        "malts": [{"name": "Pale", "amount_kg": 4.5}],
    }
    assert row.column("malts.0.amount_kg") == "malt2_amount_kg"


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"abv": "5.5 %"}, ("abv", "not_a_number")),
        ({"other": 1}, ("other", "unknown_column")),
        ({"hops": "[", "abv": 5.0}, ("hops", "json_invalid")),
        ({"hops": [], "hop1_name": "Magnum"}, ("hops", "given_twice")),
    ],
)
def test_what_is_wrong_is_named(values: dict[str, Any], problem: tuple[str, str]) -> None:
    assert [(each.field, each.code) for each in row_of(values).problems] == [problem]
