"""Form, stand, range of alpha acid and age of hops: what they do to estimates, interval, warnings and assumptions."""

import re
from typing import Any

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

from app.domains.beer.answers import Prediction
from app.domains.beer.api import BeerApi
from app.domains.beer.hop_condition import CODE
from app.domains.beer.hop_forms import CONE_EXTRACTED
from app.domains.beer.recipe import resolve
from app.domains.beer.schema import Beer
from app.errors import InputError
from tests.known import BEER, REPOSITORY

MAGNUM: dict[str, Any] = {"name": "Magnum", "amount_g": 20.0, "alpha_acid": 12.0, "boil_minutes": 60.0}
CITRA: dict[str, Any] = {"name": "Citra", "amount_g": 100.0, "alpha_acid": 12.0, "stage": "whirlpool"}


def beer(*hops: dict[str, Any]) -> Beer:
    return Beer.model_validate({**BEER, "batch_volume_l": 20.0, "hops": list(hops)})


def estimates(*hops: dict[str, Any]) -> tuple[float, float]:
    """Tinseth's and the physical estimate."""
    read = beer(*hops)
    bill = resolve(read, read.hops or [])
    return bill.tinseth, bill.physical


def warnings(answer: Prediction) -> list[tuple[str, str]]:
    return [(warning["field"], warning["message"]) for warning in answer["warnings"] if warning["code"] == CODE]


def covers(wider: Prediction, narrower: Prediction) -> bool:
    outer, inner = wider["interval"], narrower["interval"]
    return outer["lower"] <= inner["lower"] and inner["upper"] <= outer["upper"]


def test_a_neipa_with_all_its_hops_in_the_whirlpool_is_not_free_of_bitterness() -> None:
    assert estimates(CITRA)[0] == 0.0
    tinseth, physical = estimates({**CITRA, "temperature_c": 80.0, "stand_minutes": 30.0})
    assert tinseth == pytest.approx(26, abs=1)
    assert physical == pytest.approx(9.4, abs=0.5)


def test_fahrenheit_and_flame_out_are_the_same_stand() -> None:
    celsius = {**CITRA, "temperature_c": 80.0, "stand_minutes": 30.0}
    flame_out = {**{name: item for name, item in celsius.items() if name != "stage"}, "boil_minutes": 0.0}
    fahrenheit = {**CITRA, "temperature_f": 176.0, "stand_minutes": 30.0}
    assert estimates(celsius) == estimates(flame_out) == pytest.approx(estimates(fahrenheit))


@pytest.mark.parametrize(
    ("said", "effect"),
    [
        ({"form": "pellet"}, 1.0),
        ({"form": "extract"}, 1.0),
        ({"form": "cryo"}, 1.0),
        ({"form": "cone"}, CONE_EXTRACTED),
        ({"age_months": 0.0}, 1.0),
        ({"alpha_acid_low": 10.0, "alpha_acid_high": 14.0}, 1.0),
    ],
)
def test_what_each_form_does_to_the_physical_estimate(said: dict[str, Any], effect: float) -> None:
    assert estimates({**MAGNUM, **said})[1] == pytest.approx(effect * estimates(MAGNUM)[1])


def test_a_range_without_a_figure_counts_as_its_mean_and_is_assumed(domain: BeerApi) -> None:
    ranged = {name: item for name, item in MAGNUM.items() if name != "alpha_acid"}
    ranged = {**ranged, "alpha_acid_low": 10.0, "alpha_acid_high": 14.0}
    assert estimates(ranged) == estimates(MAGNUM)
    exact, answer = domain.predict(beer(MAGNUM)), domain.predict(beer(ranged))
    assert answer["ibu"] == exact["ibu"]
    assert covers(answer, exact)
    assert answer["interval"] != exact["interval"]
    ((field, message),) = warnings(answer)
    assert field == "hops.0"
    assert "10 to 14 %" in message


def test_the_interval_of_a_range_covers_those_of_both_ends(domain: BeerApi) -> None:
    ranged = domain.predict(beer({**MAGNUM, "alpha_acid_low": 8.0, "alpha_acid_high": 16.0}))
    for alpha in 8.0, 12.0, 16.0:
        assert covers(ranged, domain.predict(beer({**MAGNUM, "alpha_acid": alpha})))


def test_every_interval_that_is_asked_for_covers_the_range(domain: BeerApi) -> None:
    exact, ranged = (
        domain.predict(beer({**MAGNUM, **said}).model_copy(update={"coverage": [0.5, 0.8, 0.9]}))["intervals"]
        for said in ({}, {"alpha_acid_low": 8.0, "alpha_acid_high": 16.0})
    )
    for narrow, wide in zip(exact, ranged, strict=True):
        assert wide["lower"] < narrow["lower"] <= narrow["upper"] < wide["upper"]
    assert ranged[0]["upper"] < ranged[1]["upper"] < ranged[2]["upper"]


def test_age_takes_alpha_acid_away_and_widens_the_interval_up_to_fresh_hops(domain: BeerApi) -> None:
    fresh = domain.predict(beer(MAGNUM))
    answer = domain.predict(beer({**MAGNUM, "age_months": 12.0}))
    assert answer["estimates"]["physical"] < fresh["estimates"]["physical"]
    assert answer["ibu"] < fresh["ibu"]
    assert answer["interval"]["upper"] >= fresh["interval"]["upper"]
    assert [(note["field"], note["value"]) for note in answer["assumptions"]][:2] == [
        ("hops.0.alpha_loss", 30.0),
        ("hops.0.storage_temperature_c", 4.0),
    ]
    effective = {note["field"]: note["value"] for note in answer["assumptions"]}["hops.0.alpha_acid"]
    assert effective == pytest.approx(12.0 * 0.7 ** (365.25 / 180 * 0.75 * 2 ** (-16 / 15)), abs=0.01)
    known = {**MAGNUM, "age_months": 12.0, "alpha_loss": 30.0, "storage_temperature_c": 4.0, "packaging": "airtight"}
    told = domain.predict(beer(known))
    assert told["ibu"] == answer["ibu"]
    assert covers(answer, told)
    assert told["interval"]["lower"] > answer["interval"]["lower"]


def test_the_model_says_what_it_does_not_know_of_a_stand(domain: BeerApi) -> None:
    plain = domain.predict(beer(MAGNUM, CITRA))
    for stand in {"temperature_c": 70.0}, {"stand_minutes": 60.0}, {"temperature_c": 98.0, "stand_minutes": 45.0}:
        answer = domain.predict(beer(MAGNUM, {**CITRA, **stand}))
        assert answer["ibu"] == plain["ibu"]
        assert covers(answer, plain)
        ((field, message),) = warnings(answer)
        assert field == "hops.1"
        assert "like any hops of the whirlpool" in message


def test_a_cold_stand_lowers_the_lower_end_and_a_hot_one_raises_the_upper_end(domain: BeerApi) -> None:
    plain = domain.predict(beer(MAGNUM, CITRA))["interval"]
    cold, hot = (
        domain.predict(beer(MAGNUM, {**CITRA, "temperature_c": celsius, "stand_minutes": 60.0}))["interval"]
        for celsius in (50.0, 98.0)
    )
    assert cold["lower"] < plain["lower"]
    assert cold["upper"] == plain["upper"]
    assert hot["lower"] == plain["lower"]
    assert hot["upper"] > plain["upper"]


def test_cryo_hops_have_twice_the_alpha_acid_of_their_variety_and_stand_for_twice_the_weight() -> None:
    cryo = {"name": "Citra", "amount_g": 10.0, "form": "cryo", "stage": "dry_hop"}
    pellets = {**cryo, "amount_g": 20.0, "form": "pellet"}
    read = beer(MAGNUM, cryo), beer(MAGNUM, pellets)
    first, second = (resolve(one, one.hops or []) for one in read)
    assert first.columns == pytest.approx(second.columns, nan_ok=True)
    assert first.assumptions[0]["reason"] == "twice what is typical of Citra, as cryo hops have"


def test_an_extract_without_a_figure_has_that_of_extracts() -> None:
    read = beer({"name": "Magnum", "amount_g": 4.0, "form": "extract", "boil_minutes": 60.0})
    (note,) = resolve(read, read.hops or []).assumptions
    assert (note["value"], note["reason"]) == (52.0, "typical of Magnum CO2 Extract")


@pytest.mark.parametrize(("form", "alpha"), [(None, 10.0), ("cone", 10.0), ("cryo", 20.0), ("extract", 48.0)])
def test_an_unknown_variety_has_the_alpha_acid_of_its_form(form: str | None, alpha: float) -> None:
    read = beer({"name": "Unheard-of", "amount_g": 4.0, "form": form, "boil_minutes": 60.0})
    bill = resolve(read, read.hops or [])
    assert bill.additions[0].alpha == alpha
    assert f"{alpha:g} % is assumed" in bill.warnings[0]["message"]


@pytest.mark.parametrize(
    ("hop", "field", "code"),
    [
        ({**MAGNUM, "temperature_c": 80.0}, "hops.0.temperature_c", "only_in_stand"),
        ({**MAGNUM, "temperature_f": 176.0}, "hops.0.temperature_f", "only_in_stand"),
        ({**CITRA, "stage": "dry_hop", "stand_minutes": 20.0}, "hops.0.stand_minutes", "only_in_stand"),
        ({**MAGNUM, "alpha_acid_low": 10.0}, "hops.0.alpha_acid_high", "alpha_range"),
        ({**MAGNUM, "alpha_acid_high": 10.0}, "hops.0.alpha_acid_low", "alpha_range"),
        ({**MAGNUM, "alpha_acid_low": 13.0, "alpha_acid_high": 10.0}, "hops.0.alpha_acid_low", "alpha_range"),
        ({**MAGNUM, "alpha_acid_low": 13.0, "alpha_acid_high": 14.0}, "hops.0.alpha_acid", "alpha_range"),
    ],
)
def test_contradictions_name_the_field_that_was_sent(
    domain: BeerApi, hop: dict[str, Any], field: str, code: str
) -> None:
    with pytest.raises(InputError) as caught:
        domain.predict(beer(hop))
    assert [(problem.field, problem.code) for problem in caught.value.problems] == [(field, code)]


def test_a_batch_answers_each_beer_as_a_request_of_its_own(domain: BeerApi) -> None:
    beers = [
        beer(MAGNUM),
        beer({**MAGNUM, "age_months": 24.0}),
        beer(),
        beer(MAGNUM, {**CITRA, "temperature_c": 75.0}),
        Beer.model_validate(BEER),
        beer({**MAGNUM, "form": "cone"}).model_copy(update={"ebc": 150.0, "srm": 76.0, "ph": 4.0}),
    ]
    assert domain.predict_each(beers) == [domain.predict(one) for one in beers]


def test_an_explanation_has_the_same_interval_and_counts_the_stand_for_its_own_addition(domain: BeerApi) -> None:
    stood = beer(MAGNUM, {**CITRA, "temperature_c": 80.0, "stand_minutes": 30.0})
    explained = domain.explain(stood)
    assert explained["interval"] == domain.predict(stood)["interval"]
    assert explained["explanation"]["additions"][1]["tinseth"] > 0


def test_the_wort_stands_as_before_without_the_addition_that_says_so(domain: BeerApi) -> None:
    """So the additions of a beer whose alpha acid is all dissolved add up to its physical estimate."""
    stood = domain.explain(beer(MAGNUM, {**CITRA, "amount_g": 10.0, "temperature_c": 60.0, "stand_minutes": 10.0}))
    boiled, stand = (addition["physical"] for addition in stood["explanation"]["additions"])
    assert boiled + stand == pytest.approx(stood["estimates"]["physical"], abs=0.11)


@seed(16)
@settings(max_examples=50)
@given(months=st.floats(0, 60), older=st.floats(0, 60), loss=st.floats(0, 90), celsius=st.floats(-20, 30))
def test_older_hops_never_add_bitterness(months: float, older: float, loss: float, celsius: float) -> None:
    stored = {**MAGNUM, "alpha_loss": loss, "storage_temperature_c": celsius}
    young, old = ({**stored, "age_months": age} for age in (months, months + older))
    assert all(now <= was for now, was in zip(estimates(old), estimates(young), strict=True))


@seed(16)
@settings(max_examples=50)
@given(low=st.floats(1, 20), mean=st.floats(0, 5), more=st.floats(0, 5))
def test_a_higher_range_never_takes_bitterness_away(low: float, mean: float, more: float) -> None:
    ranged = {name: item for name, item in MAGNUM.items() if name != "alpha_acid"}
    lower = estimates({**ranged, "alpha_acid_low": low, "alpha_acid_high": low + mean})
    higher = estimates({**ranged, "alpha_acid_low": low, "alpha_acid_high": low + mean + more})
    assert all(now >= was for now, was in zip(higher, lower, strict=True))


@pytest.mark.parametrize("form", ["cryo", "cone", "pellet"])
@pytest.mark.parametrize("alpha", [24.9, 25.0, 60.0])
def test_a_form_that_training_does_not_take_at_this_alpha_acid_is_warned_of(
    domain: BeerApi, form: str, alpha: float
) -> None:
    found = warnings(domain.predict(beer({**MAGNUM, "form": form, "alpha_acid": alpha})))
    assert [field for field, _ in found] == ([] if form == "pellet" and alpha < 25.0 else ["hops.0"])


def test_cryo_hops_of_a_strong_variety_are_warned_of(domain: BeerApi) -> None:
    simcoe = {"name": "Simcoe", "amount_g": 20.0, "form": "cryo", "boil_minutes": 60.0}
    ((field, message),) = warnings(domain.predict(beer(simcoe)))
    assert field == "hops.0" and "(form)" in message and "26 % alpha acid" in message


def test_an_extract_is_what_training_takes_from_25_percent_on(domain: BeerApi) -> None:
    strong = {**MAGNUM, "amount_g": 4.0, "alpha_acid": 25.0}
    assert domain.predict(beer({**strong, "form": "extract"})) == domain.predict(beer(strong))
    weak = domain.predict(beer({**strong, "form": "extract", "alpha_acid": 24.9}))
    assert [field for field, _ in warnings(weak)] == ["hops.0"]


def test_a_hop_that_says_nothing_more_is_as_before(domain: BeerApi) -> None:
    assert domain.predict(beer(MAGNUM, CITRA)) == domain.predict(beer({**MAGNUM, "form": None}, CITRA))
    assert warnings(domain.predict(beer({**MAGNUM, "form": "pellet"}, CITRA))) == []


def test_the_example_of_the_documentation_is_answered(domain: BeerApi) -> None:
    text = (REPOSITORY / "docs/beer.md").read_text("utf-8")
    example = re.search(r"```json\n(\{\n  \"target_og_plato\".*?)```", text, re.DOTALL)
    assert example
    answer = domain.predict(Beer.model_validate_json(example[1]))
    assert [field for field, _ in warnings(answer)] == ["hops.0", "hops.1"]
    assert answer["estimates"]["tinseth"] > 10


@pytest.mark.parametrize("grams", [10.0, 200.0])
def test_more_wort_in_the_kettle_raises_the_estimates_and_not_the_prediction(domain: BeerApi, grams: float) -> None:
    answers = [
        domain.explain(beer({**MAGNUM, "amount_g": grams}).model_copy(update={"boil_volume_l": litres}))
        for litres in (20.0, 25.0, 30.0)
    ]
    for name in "tinseth", "rager", "garetz":
        figures = [answer["estimates"][name] for answer in answers]
        assert figures == sorted(figures)
        assert figures[0] < figures[-1]
    physical = [answer["estimates"]["physical"] for answer in answers]
    assert physical == sorted(physical)
    assert (physical[0] < physical[-1]) == (grams == 200.0)  # little alpha acid is all dissolved
    assert len({answer["ibu"] for answer in answers}) == 1
