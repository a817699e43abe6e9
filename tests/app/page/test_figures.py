"""Figures of the service that the brewer's page has as well: factors of units that it shows, and limits."""

import re

import pytest

from app.domains.beer import schema, units
from tests.known import REPOSITORY

PAGE = REPOSITORY / "app" / "page"


@pytest.mark.parametrize(
    ("module", "name", "figure"),
    [
        ("units", "LITRES_PER_GALLON", units.LITRES_PER_GALLON),
        ("units", "GRAMS_PER_OUNCE", units.GRAMS_PER_OUNCE),
        ("units", "KILOGRAMS_PER_POUND", units.KILOGRAMS_PER_POUND),
        ("units", "EBC_PER_SRM", units.EBC_PER_SRM),
        ("brewery", "MOST", schema.MAX_REFERENCE_BEERS),
        ("brewery", "MOST_IBU", schema.MAX_REFERENCE_IBU),
    ],
)
def test_a_constant_of_the_page_is_the_services(module: str, name: str, figure: float) -> None:
    source = (PAGE / "js" / f"{module}.js").read_text("utf-8")
    assert [float(found) for found in re.findall(rf"const {name} = ([\d.]+);", source)] == [figure]


def test_degrees_plato_are_shown_by_the_services_formula() -> None:
    source = (PAGE / "js" / "units.js").read_text("utf-8")
    formula = re.search(r"const plato = \(sg\) => (.*);", source)
    assert formula and [float(found) for found in re.findall(r"-?\d[\d.]*", formula[1])] == list(units.PLATO)
