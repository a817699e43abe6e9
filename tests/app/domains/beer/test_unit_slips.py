"""Unit slips: each quantity in a wrong unit is noticed, with the value sent, the value expected and the unit."""

from typing import Any

import pytest

from app.domains.beer.api import BeerApi
from app.domains.beer.schema import Beer, Beers
from app.domains.beer.unit_slips import CODE, figure
from tests.known import BEER

MAGNUM: dict[str, Any] = {"name": "Magnum", "amount_g": 28.0, "alpha_acid": 13.0, "boil_minutes": 60}
SAAZ: dict[str, Any] = {"name": "Saaz", "amount_g": 42.0, "alpha_acid": 3.5, "boil_minutes": 15}
MALTS: list[dict[str, Any]] = [{"name": "Pale Ale", "amount_kg": 4.4}, {"name": "Crystal 60", "amount_kg": 0.4}]
RIGHT: dict[str, Any] = {
    "target_og": 1.056, "target_fg": 1.013, "batch_volume_l": 19.0, "boil_volume_l": 24.0,
    "hops": [MAGNUM, SAAZ], "malts": MALTS,
}  # fmt: skip


def slips(domain: BeerApi, **changed: Any) -> list[tuple[str, str]]:
    """Field and message of each suspected unit."""
    answer = domain.predict(Beer.model_validate({**RIGHT, **changed}))
    return [(w["field"], w["message"]) for w in answer["warnings"] if w["code"] == CODE]


def hops(factor: float) -> list[dict[str, Any]]:
    return [{**hop, "amount_g": hop["amount_g"] * factor} for hop in (MAGNUM, SAAZ)]


def malts(factor: float) -> list[dict[str, Any]]:
    return [{**malt, "amount_kg": malt["amount_kg"] * factor} for malt in MALTS]


def test_a_recipe_in_the_right_units_gets_no_warning(domain: BeerApi) -> None:
    assert slips(domain) == slips(domain, hops=[], malts=None, boil_volume_l=None) == []


@pytest.mark.parametrize(
    ("changed", "field", "words"),
    [
        ({"hops": hops(1 / 28.35)}, "hops.0.amount_g", ["2.47 g in all", "0.13 g/l", "0.3 to 40 g/l", "ounces"]),
        ({"hops": hops(1 / 1000)}, "hops.0.amount_g", ["0.07 g in all", "kilograms would fit: 3.68 g/l"]),
        ({"hops": hops(1 / 453.6)}, "hops.0.amount_g", ["0.154 g in all", "pounds would fit: 3.68 g/l"]),
        ({"hops": hops(28.35)}, "hops.0.amount_g", ["1984.5 g in all", "as if they were ounces would fit: 3.68 g/l"]),
        ({"hops": hops(1000)}, "hops.0.amount_g", ["70000 g in all", "milligrams would fit: 3.68 g/l"]),
        ({"malts": malts(2.2046)}, "malts.0.amount_kg", ["10.58 kg in all", "2.73 to 8.51 kg", "malts in pounds"]),
        ({"malts": malts(1000)}, "malts.0.amount_kg", ["4800 kg in all", "2.73 to 8.51 kg", "grams would fit: 4.8 kg"]),
        ({"malts": malts(35.27)}, "malts.0.amount_kg", ["169.3 kg in all", "malts in ounces"]),
        ({"batch_volume_l": 5.0}, "batch_volume_l", ["4.8 kg in all", "5 l of 1056 points", "in US gallons"]),
        ({"batch_volume_l": 0.19, "boil_volume_l": None}, "batch_volume_l", ["0.19 l", "in hectolitres"]),
        ({"batch_volume_l": 19000.0, "boil_volume_l": None}, "batch_volume_l", ["19000 l", "in millilitres"]),
        ({"batch_volume_l": 5.0, "malts": malts(2.2046)}, "batch_volume_l", ["in US gallons and malts in pounds"]),
        ({"boil_volume_l": 6.5}, "boil_volume_l", ["boil_volume_l is 6.5", "boil_volume_l in gallons would fit"]),
        ({"hops": [{**MAGNUM, "alpha_acid": 0.13}]}, "hops.0.alpha_acid", ["0.13 %", "Magnum has 11 to 16 %", "13 %"]),
        (
            {"hops": [{**MAGNUM, "name": "Moon", "alpha_acid": 0.07}]},
            "hops.0.alpha_acid",
            ["0.07 %", "hops have 2 to 25 %", "7 %"],
        ),
        (
            {"hops": [{**SAAZ, "boil_minutes": 0.25}, {**MAGNUM, "boil_minutes": 1}]},
            "hops.1.boil_minutes",
            ["1 min", "20 to 90 min", "hours", "60 min"],
        ),
    ],
)
def test_a_quantity_in_another_unit_is_named_with_what_is_expected(
    domain: BeerApi, changed: dict[str, Any], field: str, words: list[str]
) -> None:
    found = [message for where, message in slips(domain, **changed) if where == field]
    assert found and any(all(word in message for word in words) for message in found), slips(domain, **changed)


def test_a_volume_that_was_not_sent_is_named_beside_the_unit(domain: BeerApi) -> None:
    beer = {name: value for name, value in RIGHT.items() if not name.endswith("_l")}
    answer = domain.predict(Beer.model_validate({**beer, "malts": malts(2.2046)}))
    (message,) = [w["message"] for w in answer["warnings"] if w["code"] == CODE]
    assert message.endswith("malts in pounds would fit. batch_volume_l was not sent: 20 l is assumed.")
    assert all("not sent" not in message for _, message in slips(domain, malts=malts(2.2046)))


def test_one_malt_in_grams_is_named_by_its_place(domain: BeerApi) -> None:
    ((field, message),) = slips(domain, malts=[MALTS[0], {"name": "Crystal 60", "amount_kg": 400}])
    assert field == "malts.1.amount_kg" and "grams would fit: 4.8 kg" in message


@pytest.mark.parametrize(
    "changed",
    [
        {"hops": [{**MAGNUM, "amount_g": 2.0, "alpha_acid": 50.0}]},  # an extract
        {"hops": [{"name": "Teamaker", "amount_g": 28.0, "alpha_acid": 0.9, "boil_minutes": 60}]},
        {"hops": [{"name": "Saaz, aged", "amount_g": 60.0, "alpha_acid": 0.5, "boil_minutes": 60}]},
        {"hops": [{**SAAZ, "boil_minutes": 1}, {**MAGNUM, "boil_minutes": None, "stage": "start"}]},
        {"hops": [{**MAGNUM, "amount_g": 0.0}]},
        {"malts": [{"name": "Pale", "amount_kg": 0.0}]},
        {"hops": hops(1e-9)},  # no unit explains it
        {"malts": malts(1e-9)},
        {"target_og": 1.001, "target_fg": 1.0},
    ],
)
def test_what_is_unusual_in_any_unit_gets_no_guess(domain: BeerApi, changed: dict[str, Any]) -> None:
    assert slips(domain, **changed) == []


def test_a_batch_gets_the_warnings_of_each_beer_alone(domain: BeerApi) -> None:
    ounces = Beer.model_validate({**RIGHT, "hops": hops(1 / 28.35)})
    first, second = domain.predict_batch(Beers(beers=[Beer.model_validate(RIGHT), ounces]))["predictions"]
    assert CODE not in [w["code"] for w in first["warnings"]]
    assert second == domain.predict(ounces)


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.13, "0.13"), (0.00125, "0.00125"), (5.0, "5"), (2.754, "2.75"), (1048.5, "1048.5"), (20000.0, "20000")],
)
def test_numbers_are_written_short(value: float, written: str) -> None:
    assert figure(value) == written


@pytest.mark.parametrize(
    ("sent", "field", "words"),
    [
        (
            {"hops": [{"name": "Magnum", "amount_oz": 100, "boil_minutes": 60}]},
            "hops.0.amount_oz",
            "amount_oz in grams",
        ),
        (
            {"hops": [], "malts": [{"name": "Pale Ale", "amount_lb": 4.5}]},
            "malts.0.amount_lb",
            "malts in kilograms would fit",
        ),
        (
            {"hops": [], "batch_volume_gal": 20, "malts": [{"name": "Pale Ale", "amount_kg": 4.5}]},
            "batch_volume_gal",
            "batch_volume_gal in litres would fit",
        ),
    ],
)
def test_a_slip_of_the_other_unit_names_the_field_that_was_sent(
    domain: BeerApi, sent: dict[str, Any], field: str, words: str
) -> None:
    litres = {} if "batch_volume_gal" in sent else {"batch_volume_l": 20}
    answer = domain.predict(Beer.model_validate({**BEER, **litres, **sent}))
    (warning,) = [found for found in answer["warnings"] if found["code"] == CODE]
    assert warning["field"] == field
    assert words in warning["message"]


def test_a_recipe_in_ounces_pounds_and_gallons_raises_no_alarm(domain: BeerApi) -> None:
    sent = {
        "batch_volume_gal": 5.5,
        "boil_volume_gal": 7,
        "hops": [{"name": "Magnum", "amount_oz": 1, "boil_minutes": 60}],
        "malts": [{"name": "Pale Ale", "amount_lb": 11}],
    }
    warnings = domain.predict(Beer.model_validate({**BEER, **sent}))["warnings"]
    assert [found for found in warnings if found["code"] == CODE] == []
