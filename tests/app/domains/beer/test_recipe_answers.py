"""Predictions for recipes: the hop bill selects the model, amounts count per litre, explanations add up."""

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domains.beer.answers import EXAMPLE_EXPLAINED, EXAMPLE_PREDICTION, Prediction
from app.domains.beer.api import RECIPE, VITALS, BeerApi
from app.domains.beer.schema import EXAMPLE_BEER, EXAMPLE_RECIPE, Beer, Beers
from app.errors import InputError
from tests.known import REPOSITORY

KETTLE = ("mash", "first_wort", "start", "middle", "end", "whirlpool")
HOP = {"name": "Simcoe", "amount_g": 25.0, "alpha_acid": 13.0}


def beer(**more: Any) -> Beer:
    return Beer.model_validate({**EXAMPLE_BEER, **more})


def hop(**more: Any) -> dict[str, Any]:
    return {**HOP, **more}


AMOUNT = st.integers(0, 5000).map(lambda n: n / 10)
HOPS = st.builds(
    hop, name=st.sampled_from(["Simcoe", "Magnum", "unknown hop"]), amount_g=AMOUNT,
    alpha_acid=st.none() | st.integers(10, 200).map(lambda n: n / 10),
    stage=st.sampled_from((*KETTLE, "dry_hop")),
)  # fmt: skip
NOT_HOPS = Path(__file__).with_name("not_hops.txt").read_text("utf-8").splitlines()
BILLS = st.lists(HOPS, max_size=8)


def test_the_hop_bill_selects_the_model(domain: BeerApi) -> None:
    assert domain.predict(beer())["model"]["name"] == VITALS
    assert domain.predict(beer(hops=[hop(stage="end")]))["model"]["name"] == RECIPE
    assert "estimates" not in domain.predict(beer())


def test_a_beer_without_hops_is_not_bitter(domain: BeerApi) -> None:
    answer = domain.predict(beer(hops=[]))
    assert answer["model"]["name"] == RECIPE
    assert answer["ibu"] == answer["interval"]["lower"] == 0
    assert answer["estimates"] == {
        "tinseth": 0.0,
        "physical": 0.0,
    }


@given(bill=BILLS, litres=st.integers(1, 500), factor=st.sampled_from([2, 4, 0.5]))
def test_twice_the_hops_in_twice_the_volume_give_the_same_answer(
    domain: BeerApi, bill: list[dict[str, Any]], litres: int, factor: float
) -> None:
    one = beer(hops=bill, batch_volume_l=litres, boil_volume_l=litres * 1.25)
    scaled = [{**h, "amount_g": h["amount_g"] * factor} for h in bill]
    two = beer(hops=scaled, batch_volume_l=litres * factor, boil_volume_l=litres * 1.25 * factor)
    larger, smaller = (
        {**answer, "warnings": [warning["code"] for warning in answer["warnings"]]}
        for answer in map(domain.predict, (two, one))
    )
    assert larger == smaller


@given(bill=BILLS, stage=st.sampled_from(KETTLE), amount=AMOUNT)
def test_more_kettle_hops_never_lower_the_answer(
    domain: BeerApi, bill: list[dict[str, Any]], stage: str, amount: float
) -> None:
    before = domain.predict(beer(hops=bill))
    after = domain.predict(beer(hops=[*bill, hop(stage=stage, amount_g=amount)]))
    assert before["ibu"] <= after["ibu"]


@given(bill=BILLS)
def test_contributions_add_up_to_the_prediction_and_are_sorted(domain: BeerApi, bill: list[dict[str, Any]]) -> None:
    answer = domain.predict(beer(hops=bill, explain=True))
    parts = answer["explanation"]["contributions"]
    total = answer["explanation"]["base_value"] + sum(part["ibu"] for part in parts)
    assert total == pytest.approx(answer["ibu"], abs=1e-6)
    sizes = [abs(part["ibu"]) for part in parts]
    assert sizes == sorted(sizes, reverse=True)
    assert {"hops"} < {field for part in parts for field in part["inputs"]} <= Beer.model_fields.keys()


def test_the_examples_and_readme_state_what_the_committed_models_answer(domain: BeerApi) -> None:
    explained = domain.explain(Beer.model_validate(EXAMPLE_RECIPE))
    assert explained == EXAMPLE_EXPLAINED
    assert domain.predict(beer()) == EXAMPLE_PREDICTION
    readme = (REPOSITORY / "README.md").read_text("utf-8")
    interval = explained["interval"]
    assert f"gives {explained['ibu']} IBU, between {interval['lower']} and {interval['upper']}, with" in readme
    first, second, *_ = explained["explanation"]["contributions"]
    assert f'"{first["text"].rstrip(".")}", "{second["text"].rstrip(".")}"' in readme


def test_explain_equals_predict_with_the_explain_field(domain: BeerApi) -> None:
    recipe = Beer.model_validate(EXAMPLE_RECIPE)
    assert domain.explain(recipe) == domain.predict(recipe)
    assert "explanation" not in domain.predict(recipe.model_copy(update={"explain": False}))


def test_reasons_compare_with_a_typical_beer_in_words(domain: BeerApi) -> None:
    weak, strong = (
        {part["group"]: part for part in domain.explain(beer(hops=bill))["explanation"]["contributions"]}
        for bill in (
            [hop(stage="end", amount_g=5)],
            [hop(stage="start", amount_g=90), hop(stage="middle", amount_g=90)],
        )
    )
    less, more = weak["bittering hops"], strong["bittering hops"]
    assert less["ibu"] < 0 < more["ibu"]
    assert less["text"] == f"{-less['ibu']:.1f} IBU less than with the bittering hops of a typical beer."
    assert more["text"] == f"{more['ibu']:.1f} IBU more than with the bittering hops of a typical beer."


def test_reasons_mark_what_was_not_sent(domain: BeerApi) -> None:
    def parts(**more: Any) -> dict[str, tuple[list[str], str]]:
        answer = domain.explain(Beer(target_og=1056, target_fg=1013, hops=[hop(stage="end")], **more))
        return {part["group"]: (part["assumed"], part["text"]) for part in answer["explanation"]["contributions"]}

    bare, full = parts(), parts(abv=5.6, srm=8.6, ph=4.4, malts=[{"name": "Pale", "amount_kg": 4}], yeast="US-05")
    assert {group: assumed for group, (assumed, _) in bare.items() if assumed} == {
        "strength": ["abv"], "colour": ["ebc", "srm"], "pH": ["ph"], "malt and yeast": ["malts", "yeast"]
    }  # fmt: skip
    assert bare["pH"][1].startswith("No ph sent: ") and bare["colour"][1].startswith("No ebc or srm sent: ")
    assert bare["strength"][1].endswith("of a typical beer; no abv sent.")
    assert all(not assumed and " sent" not in text for assumed, text in full.values())


def test_the_vitals_model_is_explained_too(domain: BeerApi) -> None:
    answer = domain.explain(beer())
    assert {part["group"] for part in answer["explanation"]["contributions"]} == {"strength", "colour", "pH"}


def test_an_unknown_hop_gets_a_warning_unless_its_alpha_acid_is_given(domain: BeerApi) -> None:
    def codes(**more: Any) -> list[tuple[str, str]]:
        moon = {"name": "Moon Hop", "amount_g": 5, "stage": "end", **more}
        answer = domain.predict(beer(hops=[hop(stage="end"), moon]))
        return [(w["code"], w["field"]) for w in answer["warnings"] if "Moon Hop" in w["message"]]

    assert codes() == [("unknown_hop", "hops.1.name")]
    assert codes(alpha_acid=7.0) == []


@settings(max_examples=40)
@given(bill=BILLS, name=st.sampled_from(NOT_HOPS), grams=AMOUNT, stage=st.sampled_from((*KETTLE, "dry_hop")))
def test_what_is_no_hop_changes_nothing_but_adds_a_warning(
    domain: BeerApi, bill: list[dict[str, Any]], name: str, grams: float, stage: str
) -> None:
    before = domain.predict(beer(hops=bill, explain=True))
    after = domain.predict(beer(hops=[*bill, {"name": name, "amount_g": grams, "stage": stage}], explain=True))
    added = [warning for warning in after["warnings"] if warning["code"] == "not_a_hop"]
    assert [(w["field"], w["message"].startswith(name)) for w in added] == [(f"hops.{len(bill)}.name", True)]
    assert {**after, "warnings": [w for w in after["warnings"] if w not in added]} == before


def test_the_warnings_of_hops_after_what_is_no_hop_name_their_place(domain: BeerApi) -> None:
    honey = {"name": "Golden Honey", "amount_g": 500, "stage": "end"}
    bill = [honey, hop(stage="start", amount_g=0.1), honey, hop(stage="end", alpha_acid=0.13, amount_g=0.1)]
    fields = {(warning["code"], warning["field"]) for warning in domain.predict(beer(hops=bill))["warnings"]}
    assert {("unit_suspected", "hops.1.amount_g"), ("unit_suspected", "hops.3.alpha_acid")} <= fields
    assert {("not_a_hop", "hops.0.name"), ("not_a_hop", "hops.2.name")} <= fields


def test_what_is_no_hop_counts_with_its_alpha_acid(domain: BeerApi) -> None:
    juniper = {"name": "Juniper Hop", "amount_g": 30, "boil_minutes": 60}
    stated = domain.predict(beer(hops=[{**juniper, "alpha_acid": 10.0}]))
    assert stated["estimates"]["tinseth"] > 10 and not [w for w in stated["warnings"] if w["code"] == "not_a_hop"]
    assert domain.predict(beer(hops=[juniper]))["estimates"]["tinseth"] == 0.0


def test_an_unknown_malt_or_yeast_gets_a_warning_with_the_hop_bill(domain: BeerApi) -> None:
    strange = {"malts": [{"name": "Pale", "amount_kg": 4}, {"name": "Zorblax", "amount_kg": 1}], "yeast": "Moon Strain"}
    bill = [hop(stage="end")]
    answer = domain.predict(beer(hops=bill, **strange))
    assert [(w["code"], w["field"]) for w in answer["warnings"]] == [
        ("unknown_malt", "malts.1.name"),
        ("unknown_yeast", "yeast"),
    ]
    assert "Zorblax" in answer["warnings"][0]["message"] and "Moon Strain" in answer["warnings"][1]["message"]
    assert answer["ibu"] == domain.predict(beer(hops=bill, malts=strange["malts"]))["ibu"]


@pytest.mark.parametrize("yeast", ["WLP001", "Safale American (US-05)", "California Ale", "1056"])
def test_a_strain_gets_the_same_answer_by_every_name(domain: BeerApi, yeast: str) -> None:
    expected = domain.predict(beer(hops=[hop(stage="end")], yeast="Wyeast 1056 - American Ale"))
    assert domain.predict(beer(hops=[hop(stage="end")], yeast=yeast)) == expected


def test_without_alpha_acid_the_typical_value_of_the_variety_is_used(domain: BeerApi) -> None:
    expected = domain.predict(beer(hops=[{"name": "Simcoe", "amount_g": 25, "stage": "start", "alpha_acid": 13.0}]))
    answer = domain.predict(beer(hops=[{"name": "SIMCOE (US) pellets", "amount_g": 25, "stage": "start"}]))
    assert (answer["ibu"], answer["interval"]) == (expected["ibu"], expected["interval"])


def test_values_that_were_not_sent_are_listed_with_what_is_assumed(domain: BeerApi) -> None:
    simcoe = {"name": "Simcoe", "amount_g": 25, "stage": "start"}
    one = Beer(target_og=1.056, target_fg=1013, hops=[simcoe, {**simcoe, "alpha_acid": 12.0}])
    answer = domain.predict(one)
    assert answer["assumptions"] == [
        {
            "field": "abv",
            "value": 5.64,
            "unit": "% vol",
            "reason": "computed from the gravities: 131.25 (OG - FG) in specific gravity",
        },
        {"field": "hops.0.alpha_acid", "value": 13.0, "unit": "%", "reason": "typical of Simcoe"},
        {"field": "batch_volume_l", "value": 20.0, "unit": "l", "reason": "the usual size of a batch"},
    ]
    assert domain.predict_batch(Beers(beers=[one, beer()]))["predictions"] == [answer, domain.predict(beer())]
    stated = beer(hops=[{**simcoe, "alpha_acid": 12.0}], batch_volume_l=20.0)
    assert "assumptions" not in domain.predict(beer()) and "assumptions" not in domain.predict(stated)


@pytest.mark.parametrize("when", [{}, {"stage": "end", "boil_minutes": 5}])
def test_a_hop_needs_exactly_one_time(domain: BeerApi, when: dict[str, Any]) -> None:
    with pytest.raises(InputError) as caught:
        domain.predict(beer(hops=[hop(stage="end"), hop(**when)]))
    assert [(p.field, p.code) for p in caught.value.problems] == [("hops.1.stage", "stage_or_minutes")]
    with pytest.raises(InputError) as caught:
        domain.predict_batch(Beers(beers=[beer(), beer(hops=[hop(**when)])]))
    assert [p.field for p in caught.value.problems] == ["beers.1.hops.0.stage"]


def test_batches_are_not_explained(domain: BeerApi) -> None:
    with pytest.raises(InputError) as caught:
        domain.predict_batch(Beers(beers=[beer(), beer(explain=True)]))
    assert [(p.field, p.code) for p in caught.value.problems] == [("beers.1.explain", "not_in_batch")]


def test_a_mixed_batch_keeps_its_order_and_each_answer(domain: BeerApi) -> None:
    mixed = [beer(abv=4 + n / 10, **({"hops": [hop(stage="end", amount_g=n)]} if n % 3 else {})) for n in range(40)]
    alone: list[Prediction] = [domain.predict(one) for one in mixed]
    assert domain.predict_batch(Beers(beers=mixed))["predictions"] == alone


def test_an_absurd_amount_gets_a_finite_prediction(domain: BeerApi) -> None:
    answer = domain.predict(beer(hops=[hop(stage="start", amount_g=1e7, alpha_acid=70)], batch_volume_l=5e-324))
    figures = (answer["ibu"], *answer["interval"].values(), *answer["estimates"].values())
    assert all(isinstance(figure, (int, float)) and math.isfinite(figure) for figure in figures)


@given(
    fg=st.floats(900, 1300), og=st.floats(900, 1300), grams=st.floats(0, 1e7), alpha=st.floats(0, 70),
    batch=st.floats(0, 1e5, exclude_min=True), boil=st.floats(0, 1e5, exclude_min=True), minutes=st.floats(0, 300),
)  # fmt: skip
def test_every_accepted_recipe_gets_a_finite_answer(
    domain: BeerApi, fg: float, og: float, grams: float, alpha: float, batch: float, boil: float, minutes: float
) -> None:
    one = hop(amount_g=grams, alpha_acid=alpha, boil_minutes=minutes)
    strong, weak = max(og, fg), min(og, fg)
    answer = domain.predict(
        beer(target_og=strong, target_fg=weak, hops=[one], batch_volume_l=batch, boil_volume_l=boil)
    )
    assert 0 <= answer["estimates"]["tinseth"] < math.inf and 0 <= answer["estimates"]["physical"] < math.inf
    assert 0 <= answer["interval"]["lower"] <= answer["ibu"] <= answer["interval"]["upper"] < 1e6


def test_a_smaller_boil_lowers_tinseths_estimate(domain: BeerApi) -> None:
    bill = [hop(boil_minutes=60)]
    thick = domain.predict(beer(hops=bill, boil_volume_l=10))["estimates"]["tinseth"]
    assert thick < domain.predict(beer(hops=bill))["estimates"]["tinseth"]
