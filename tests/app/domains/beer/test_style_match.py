"""A prediction compared with the beer's style: range, inside or not, probability."""

from typing import Any

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from app.domains.beer.answers import Interval, StyleMatch
from app.domains.beer.api import RECIPE, STYLE, VITALS, BeerApi
from app.domains.beer.schema import EXAMPLE_BEER, EXAMPLE_RECIPE, Beer
from app.domains.beer.style_match import match_style, probability_inside
from app.domains.beer.styles import Range, load
from app.domains.discovery import serving
from app.models.manager import ModelManager

RANGES = [style.ibu for style in dict.fromkeys(load().values()) if style.ibu]
FIGURES = st.tuples(st.floats(0, 150), st.floats(0, 150), st.floats(0, 150)).map(sorted)


def interval(lower: float, upper: float) -> Interval:
    return {"lower": lower, "upper": upper, "coverage": 0.9}


def test_the_answer_says_how_the_bitterness_compares_with_the_style(domain: BeerApi) -> None:
    for values in EXAMPLE_BEER, EXAMPLE_RECIPE:
        plain = domain.predict(Beer.model_validate(values))
        styled = domain.predict(Beer.model_validate({**values, "style": "21a american ipa"}))
        style = styled.pop("style")
        if "hops" in values:
            assert styled == plain
        else:
            assert (plain["model"]["name"], styled["model"]["name"]) == (VITALS, STYLE)
        TypeAdapter(StyleMatch).validate_python(style, strict=True)
        assert (style["code"], style["name"]) == ("21A", "American IPA")
        bitterness = style["bitterness"]
        assert (bitterness["low"], bitterness["high"]) == (40.0, 70.0)
        assert bitterness["inside"] == (40.0 <= plain["ibu"] <= 70.0)
        assert 0.4 < bitterness["probability"] < 0.9
        lager = domain.predict(Beer.model_validate({**values, "style": "American Light Lager"}))["style"]["bitterness"]
        assert not lager["inside"] and lager["probability"] < 0.15


def test_a_style_without_a_range_has_no_bitterness(domain: BeerApi) -> None:
    assert match_style("29A", 30.0, interval(10, 60), []) == {"code": "29A", "name": "Fruit Beer"}
    assert domain.predict(Beer.model_validate({**EXAMPLE_BEER, "style": "29A"}))["model"]["name"] == VITALS


def test_a_less_bitter_style_has_a_less_bitter_beer(domain: BeerApi) -> None:
    answers = [domain.predict(Beer.model_validate({**EXAMPLE_BEER, "style": style})) for style in ("10A", "5D", "22A")]
    assert answers[0]["ibu"] < answers[1]["ibu"] < answers[2]["ibu"]
    explained = domain.explain(Beer.model_validate({**EXAMPLE_BEER, "style": "10A"}))["explanation"]
    (style,) = [each for each in explained["contributions"] if each["group"] == "style"]
    assert style["inputs"] == ["style"] and style["ibu"] < 0


def test_without_the_style_model_the_vitals_model_predicts(manager: ModelManager) -> None:
    older = serving(BeerApi, [VITALS, RECIPE])(manager)
    assert isinstance(older, BeerApi) and list(older.models) == [VITALS, RECIPE]
    answer = older.predict(Beer.model_validate({**EXAMPLE_BEER, "style": "21A"}))
    assert answer["model"]["name"] == VITALS and answer["style"]["code"] == "21A"


@pytest.mark.anyio
async def test_an_unknown_style_is_a_warning(client: httpx.AsyncClient) -> None:
    plain = (await client.post("/predict", json=EXAMPLE_BEER)).json()
    for more in {"style": "Space Lager"}, {"style": "Space Lager", "hops": []}:
        answer = (await client.post("/predict", json={**EXAMPLE_BEER, **more})).json()
        (warning,) = [warning for warning in answer["warnings"] if warning["field"] == "style"]
        assert warning["code"] == "unknown_style" and "Space Lager" in warning["message"]
        assert "style" not in answer
        if "hops" not in more:
            assert {**answer, "warnings": []} == plain


@pytest.mark.anyio
async def test_each_beer_of_a_batch_has_its_own_style(client: httpx.AsyncClient) -> None:
    beers: list[dict[str, Any]] = [{**EXAMPLE_BEER, "style": style} for style in ("21A", None, "5D")]
    answers = (await client.post("/predict/batch", json={"beers": beers})).json()["predictions"]
    assert [answer.get("style", {}).get("code") for answer in answers] == ["21A", None, "5D"]
    explained = (await client.post("/explain", json=beers[0])).json()
    assert explained["style"] == answers[0]["style"]


@pytest.mark.parametrize("style", ["", "A" * 81, 21, ["21A"]])
@pytest.mark.anyio
async def test_a_style_is_a_short_text(client: httpx.AsyncClient, style: Any) -> None:
    response = await client.post("/predict", json={**EXAMPLE_BEER, "style": style})
    assert response.status_code == 422 and response.json()["errors"][0]["field"] == "style"


@example([35.0, 35.0, 43.0], Range(35, 50))
@example([20.0, 35.0, 35.0], Range(20, 35))
@given(FIGURES, st.sampled_from(RANGES))
def test_the_probability_is_between_0_and_1_and_grows_with_the_range(figures: list[float], wanted: Range) -> None:
    lower, ibu, upper = figures
    chance = probability_inside(wanted, ibu, interval(lower, upper))
    wider = probability_inside(Range(wanted.low / 2, wanted.high * 2), ibu, interval(lower, upper))
    assert 0 <= chance <= wider + 1e-12 <= 1 + 1e-9


def test_the_probability_by_hand() -> None:
    """Roots 4 (lower), 6 and 8 (upper) put sigma at 2 / 1.6449; 25 to 49 is one root to each side: 0.589 by a table of
    the normal distribution, odds 1.434, times 2.4.
    """
    assert probability_inside(Range(25, 49), 36, interval(16, 64)) == pytest.approx(0.7748, abs=0.001)
    assert probability_inside(Range(0, 10_000), 36, interval(16, 64)) == pytest.approx(1)
    assert probability_inside(Range(0, 8), 0, interval(0, 0)) == 1
    assert probability_inside(Range(30, 40), 0, interval(0, 0)) == 0
