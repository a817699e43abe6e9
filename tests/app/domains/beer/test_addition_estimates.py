"""What each addition adds: the model's figure is the difference of two answers, and formulas add up."""

import json
import re
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domains.beer.answers import EXAMPLE_ADDITIONS
from app.domains.beer.api import BeerApi
from app.domains.beer.schema import EXAMPLE_BEER, EXAMPLE_RECIPE, Beer
from tests.known import REPOSITORY

BILL = [
    {"name": "Magnum", "amount_g": 12.0, "alpha_acid": 12.5, "boil_minutes": 60.0},
    {"name": "Simcoe", "amount_g": 25.0, "stage": "end"},
    {"name": "Citra", "amount_g": 80.0, "stage": "whirlpool"},
    {"name": "Citra", "amount_g": 40.0, "boil_minutes": 0.0, "temperature_c": 80.0, "stand_minutes": 30.0},
    {"name": "Saaz", "amount_g": 40.0, "form": "cone", "boil_minutes": 30.0, "age_months": 9.0},
    {"name": "Simcoe", "amount_g": 60.0, "stage": "dry_hop"},
]
REFERENCE = [{**EXAMPLE_BEER, "hops": BILL[:2], "ibu": 60.0}]


def beer(hops: list[dict[str, Any]], **more: Any) -> Beer:
    return Beer.model_validate({**EXAMPLE_BEER, "hops": hops, **more})


@pytest.mark.parametrize("more", [{}, {"reference": REFERENCE}, {"boil_volume_l": 26.0, "style": "21A"}])
def test_the_models_figure_is_the_answer_less_that_without_the_addition(domain: BeerApi, more: dict[str, Any]) -> None:
    answer = domain.explain(beer(BILL, **more))
    additions = answer["explanation"]["additions"]
    assert [(each["field"], each["name"]) for each in additions] == [
        ("hops.0", "Magnum"), ("hops.1", "Simcoe"), ("hops.2", "Citra"), ("hops.3", "Citra"),
        ("hops.4", "Saaz"), ("hops.5", "Simcoe"),
    ]  # fmt: skip
    for index, each in enumerate(additions):
        without = domain.predict(beer(BILL[:index] + BILL[index + 1 :], **more))
        assert each["model"] == round(answer["ibu"] - without["ibu"], 1)


@settings(max_examples=20, deadline=None)
@given(bill=st.lists(st.sampled_from(BILL), max_size=8), og=st.floats(1020, 1120), boil=st.none() | st.floats(15, 40))
def test_the_formulas_add_up_to_the_estimates(
    domain: BeerApi, bill: list[dict[str, Any]], og: float, boil: float | None
) -> None:
    answer = domain.explain(beer(bill, target_og=og, boil_volume_l=boil))
    additions = answer["explanation"]["additions"]
    assert len(additions) == len(bill)
    for formula in "tinseth", "rager", "garetz", "physical":
        total = sum(each[formula] for each in additions)  # type: ignore[literal-required]
        whole: float = answer["estimates"][formula]  # type: ignore[literal-required]
        assert total == pytest.approx(whole, abs=0.05 * len(bill) + 0.051)


def test_what_is_no_hop_is_left_out(domain: BeerApi) -> None:
    answer = domain.explain(beer([BILL[0], {"name": "Honey", "amount_g": 500.0, "stage": "end"}, BILL[1]]))
    assert [each["field"] for each in answer["explanation"]["additions"]] == ["hops.0", "hops.2"]


def test_only_explanations_of_hop_bills_have_additions_and_older_formulas(domain: BeerApi) -> None:
    assert "additions" not in domain.explain(Beer.model_validate(EXAMPLE_BEER))["explanation"]
    assert domain.explain(beer([]))["explanation"]["additions"] == []
    assert domain.predict(beer(BILL))["estimates"].keys() == {"tinseth", "physical"}
    assert domain.explain(beer(BILL))["estimates"].keys() == {"tinseth", "physical", "rager", "garetz"}


def test_the_document_shows_the_example() -> None:
    document = (REPOSITORY / "docs" / "formulas.md").read_text("utf-8")
    (shown,) = re.findall(r"```json\n(.*?)```", document, re.DOTALL)
    assert json.loads(shown) == EXAMPLE_ADDITIONS[0]


@pytest.mark.anyio
async def test_beers_that_nobody_sent_are_not_counted(client: httpx.AsyncClient) -> None:
    async def rows() -> list[str]:
        exposed = (await client.get("/metrics")).text
        return [
            line for line in exposed.splitlines() if line.startswith("model_predictions_total") and "recipe" in line
        ]

    before = await rows()
    answer = await client.post("/predict", json=EXAMPLE_RECIPE)
    assert len(answer.json()["explanation"]["additions"]) == 3
    (one,) = (
        float(after.split()[-1]) - float(line.split()[-1]) for line, after in zip(before, await rows(), strict=True)
    )
    assert one == 1
