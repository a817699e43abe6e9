"""A beer that is changed gets an answer that moves the right way: through the REST API, on random and real recipes.

Answers are rounded to 0.1 IBU, so that one which is lower by 0.1 may be a rounding of equal ones.
"""

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from app.domains.beer.recipe_files.punk import request_of
from app.rest.application import RestApplication
from tests.known import KEY, REPOSITORY

SHARED = REPOSITORY.parent / "shared" / "data" / "punk_beers.json"
needs_shared = pytest.mark.skipif(not SHARED.exists(), reason="../shared/data is not here")
ROUNDING = 0.1 + 1e-9
batches = settings(max_examples=8, phases=(Phase.generate,))
"""Each example is a batch of recipes; a failure shows the recipe, and shrinking would take minutes."""
KETTLE = ("first_wort", "start", "middle", "end", "whirlpool")

Beer = dict[str, Any]
Figures = np.ndarray[Any, np.dtype[np.float64]]


class Service:
    """The REST API in this process, asked in batches."""

    def __init__(self, application: RestApplication) -> None:
        transport = httpx.ASGITransport(app=application)  # type: ignore[arg-type]
        self._runner = asyncio.Runner()
        self._client = httpx.AsyncClient(transport=transport, base_url="http://test", headers={"X-API-Key": KEY})

    def ask(self, beers: Sequence[Beer]) -> list[dict[str, Any]]:
        """Return the prediction of each beer."""
        found: list[dict[str, Any]] = []
        for start in range(0, len(beers), 1000):
            answer = self._runner.run(
                self._client.post("/predict/batch", json={"beers": beers[start : start + 1000]}, timeout=60)
            )
            assert answer.status_code == 200, answer.text
            found += answer.json()["predictions"]
        return found

    def figures(self, ladders: Sequence[Sequence[Beer]]) -> list[Figures]:
        """Return the answer, its lower and its upper end for the beers of each ladder, shape (n_beers, 3)."""
        answers = iter(self.ask([beer for ladder in ladders for beer in ladder]))
        return [np.array([_figures(next(answers)) for _ in ladder]) for ladder in ladders]

    def close(self) -> None:
        """Close the client and its event loop."""
        self._runner.run(self._client.aclose())
        self._runner.close()


def _figures(answer: dict[str, Any]) -> tuple[float, float, float]:
    return answer["ibu"], answer["interval"]["lower"], answer["interval"]["upper"]


@pytest.fixture(scope="module")
def service(application: RestApplication) -> Iterator[Service]:
    service = Service(application)
    yield service
    service.close()


@pytest.fixture(scope="module")
def real() -> list[Beer]:
    """The real recipes with hops in the kettle; the first such addition is their first one."""
    found = []
    for recipe in json.loads(SHARED.read_text("utf-8")):
        beer = {key: value for key, value in request_of(recipe).items() if key not in ("ebc", "srm", "ph")}
        hops = sorted(beer.get("hops", ()), key=lambda hop: "dry" in str(hop.get("stage", "")).lower())
        if hops and {"target_og", "target_fg"} <= beer.keys():
            found.append({**beer, "hops": hops})
    return found


def _tenths(low: int, high: int) -> st.SearchStrategy[float]:
    return st.integers(10 * low, 10 * high).map(lambda tenths: tenths / 10)


@st.composite
def recipes(draw: st.DrawFn) -> Beer:
    """Recipes with at least one addition in the kettle, which is the first."""
    og, litres = draw(st.integers(1030, 1110)), draw(st.sampled_from([5.0, 20.0, 23.0, 500.0]))
    beer = {
        **_strength(og, draw(st.integers(60, 90)) / 100),
        "batch_volume_l": litres,
        "boil_volume_l": litres * draw(st.sampled_from([1.0, 1.15, 1.4])),
        "ebc": draw(st.none() | _tenths(4, 150)),
        "ph": draw(st.none() | _tenths(4, 5)),
        "yeast": draw(st.sampled_from([None, "Wyeast 1056", "Wyeast 3068", "Saflager W-34/70"])),
    }
    if draw(st.booleans()):
        shares = {name: draw(st.integers(0, 20)) / 10 for name in ("Wheat", "Caramalt", "Flaked Oats")}
        beer["malts"] = [{"name": "Pale Ale", "amount_kg": 4.0}]
        beer["malts"] += [{"name": name, "amount_kg": amount} for name, amount in shares.items()]
    beer["hops"] = [_hop(draw, litres, KETTLE), *(_hop(draw, litres, (*KETTLE, "dry_hop")) for _ in range(2))]
    return {key: value for key, value in beer.items() if value is not None}


def _strength(og: float, attenuation: float) -> Beer:
    """Gravities, and the alcohol that follows."""
    fg = round(1000 + (og - 1000) * (1 - attenuation), 1)
    return {"target_og": float(og), "target_fg": fg, "abv": round((og - fg) * 0.13125, 3)}


def _hop(draw: st.DrawFn, litres: float, stages: Sequence[str]) -> Beer:
    time = {"boil_minutes": draw(_tenths(0, 90))} if draw(st.booleans()) else {"stage": draw(st.sampled_from(stages))}
    return {"name": "Any", "amount_g": draw(_tenths(0, 100)) * litres / 20, "alpha_acid": draw(_tenths(1, 18)), **time}


def _with_first(beer: Beer, **changed: Any) -> Beer:
    """The beer with another first addition."""
    first, *others = beer["hops"]
    first = {**first, **changed}
    if "boil_minutes" in changed:
        first.pop("stage", None)
    return {**beer, "hops": [first, *others]}


def _grams(beer: Beer) -> list[Beer]:
    amount = beer["hops"][0]["amount_g"] or 10.0
    return [_with_first(beer, amount_g=amount * factor) for factor in (0, 0.1, 0.5, 0.9, 1, 1.1, 2, 5)]


def _alpha(beer: Beer) -> list[Beer]:
    return [_with_first(beer, alpha_acid=alpha) for alpha in (0, 1.5, 3, 4.5, 6, 9, 12, 15, 18)]


def _minutes(beer: Beer) -> list[Beer]:
    times = (0, 4, 5, 9, 10, 14, 15, 19, 20, 29, 30, 44, 45, 59, 60, 89, 90, 120, 300)
    return [_with_first(beer, boil_minutes=minutes) for minutes in times]


def _smaller_boil(beer: Beer) -> list[Beer]:
    return [{**beer, "boil_volume_l": beer["batch_volume_l"] * factor} for factor in (1.6, 1.3, 1.1, 1.0, 0.7)]


def _weaker(beer: Beer) -> list[Beer]:
    points = (100, 80, 60, 56, 54, 52, 50, 45, 40, 35, 30)
    return [{**beer, **_strength(1000 + og, 0.75)} for og in points]


Ladder = Callable[[Beer], list[Beer]]
never_falls = pytest.mark.parametrize("ladder", [_grams, _alpha, _minutes, _smaller_boil, _weaker])


def _assert_never_falls(service: Service, ladders: Sequence[Sequence[Beer]]) -> None:
    """Neither the answer nor an end of its interval falls, and the ends rise with an answer that rises much."""
    for ladder, figures in zip(ladders, service.figures(ladders), strict=True):
        assert (np.maximum.accumulate(figures, axis=0) - figures <= ROUNDING).all(), (figures.tolist(), ladder[0])
        assert figures[-1, 0] < figures[0, 0] + 20 or (figures[-1] > figures[0]).all(), (figures.tolist(), ladder[0])


@never_falls
@batches
@given(st.lists(recipes(), min_size=10, max_size=10))
def test_more_hops_a_longer_or_smaller_boil_or_less_gravity_never_lower_answer_and_interval(
    service: Service, ladder: Ladder, beers: list[Beer]
) -> None:
    _assert_never_falls(service, [ladder(beer) for beer in beers])


@needs_shared
@never_falls
def test_the_same_holds_for_real_recipes(service: Service, real: list[Beer], ladder: Ladder) -> None:
    assert len(real) > 240
    _assert_never_falls(service, [ladder(beer) for beer in real[::3]])


@batches
@given(st.lists(recipes(), min_size=20, max_size=20))
def test_a_beer_without_hops_is_not_bitter(service: Service, beers: list[Beer]) -> None:
    _assert_not_bitter(service, beers)


@needs_shared
def test_a_real_recipe_without_its_hops_is_not_bitter(service: Service, real: list[Beer]) -> None:
    _assert_not_bitter(service, real[::2])


def _assert_not_bitter(service: Service, beers: Sequence[Beer]) -> None:
    none = [{**beer, "hops": []} for beer in beers]
    empty = [{**beer, "hops": [{**hop, "amount_g": 0} for hop in beer["hops"]]} for beer in beers]
    for figures in service.figures([none, empty]):
        assert figures[:, 0].max() <= 2 and figures[:, 1].max() == 0


def _minute(beer: Beer, minutes: float) -> Beer:
    return _with_first(beer, boil_minutes=minutes)


def _gram(beer: Beer, grams: float) -> Beer:
    return _with_first(beer, amount_g=grams * beer["batch_volume_l"] / 20)


def _point(beer: Beer, og: float) -> Beer:
    return {**beer, **_strength(og, 0.75)}


Step = Callable[[Beer, float], Beer]
STEPS: list[tuple[Step, list[float]]] = [
    (_minute, [float(minutes) for minutes in range(91)]),
    (_gram, [float(grams) for grams in range(61)]),
    (_point, [float(og) for og in range(1030, 1101)]),
]
REFINED = 10
"""Parts into which the largest step of a ladder is divided."""
MINUTES_FREE = 22
"""Boil time up to which an answer may rise by more than 1 IBU per minute: iso-alpha acid forms fastest at first, and
the more hops, the steeper. 100 g of 12 % in 20 l rise by 2.1 IBU per minute at 0 minutes, and by less than 1 from 17
minutes on; no weight of hops rises by more than 2.9, and none by more than 1 from 21 minutes on."""
IBU_FREE_PER_ALPHA = 7.0
"""Bitterness, IBU for each % of alpha acid, up to which an answer may rise by more than 1 IBU per gram in 20 l: the
first grams count most, at most 0.5 IBU for each % of alpha acid (4.9 IBU for the first gram of 10 %, boiled for an
hour, in the beer in which it counts most)."""
STEEPEST_MINUTE, STEEPEST_PER_ALPHA = 3.2, 0.6
"""Steps within these exceptions: IBU per minute, and IBU per gram in 20 l for each % of alpha acid."""
every_step = pytest.mark.parametrize(("step", "values"), STEPS, ids=["minutes", "grams", "points"])


@every_step
@batches
@given(st.lists(recipes(), min_size=8, max_size=8))
def test_the_answer_has_no_leap_and_no_steep_step(
    service: Service, step: Step, values: list[float], beers: list[Beer]
) -> None:
    _assert_smooth(service, step, values, beers)


@needs_shared
@every_step
def test_the_answer_to_a_real_recipe_has_no_leap_and_no_steep_step(
    service: Service, real: list[Beer], step: Step, values: list[float]
) -> None:
    stated = [_with_first(beer, alpha_acid=beer["hops"][0].get("alpha_acid", 12.0)) for beer in real[::16]]
    _assert_smooth(service, step, values, stated)


def _assert_smooth(service: Service, step: Step, values: Sequence[float], beers: Sequence[Beer]) -> None:
    found = [figures[:, 0] for figures in service.figures([[step(beer, x) for x in values] for beer in beers])]
    for beer, answers in zip(beers, found, strict=True):
        steps = np.abs(np.diff(answers))
        free, steepest = np.zeros(len(steps), bool), 0.0
        if step is _minute:
            free, steepest = np.array(values[:-1]) < MINUTES_FREE, STEEPEST_MINUTE
        if step is _gram:
            alpha = beer["hops"][0]["alpha_acid"]
            free, steepest = answers[:-1] < IBU_FREE_PER_ALPHA * alpha, STEEPEST_PER_ALPHA * alpha
        assert steps[~free].max(initial=0.0) <= 1 + ROUNDING, (answers.tolist(), beer)
        assert steps[free].max(initial=0.0) <= max(steepest, 1.0) + ROUNDING, (answers.tolist(), beer)
    largest = [int(np.abs(np.diff(answers)).argmax()) for answers in found]
    refined = [np.linspace(values[place], values[place + 1], REFINED + 1).tolist() for place in largest]
    ladders = [[step(beer, x) for x in within] for beer, within in zip(beers, refined, strict=True)]
    for place, answers, figures in zip(largest, found, service.figures(ladders), strict=True):
        whole, parts = abs(answers[place + 1] - answers[place]), np.abs(np.diff(figures[:, 0]))
        assert parts.max() <= whole * 3 / REFINED + ROUNDING, (whole, parts.tolist())


PALE: Beer = {**_strength(1054, 0.77), "ebc": 15.0, "ph": 4.4, "batch_volume_l": 20.0}


def _bill(grams: float, alpha: float, minutes: float, name: str = "Citra") -> list[Beer]:
    return [{"name": name, "amount_g": grams, "alpha_acid": alpha, "boil_minutes": minutes}]


def test_the_questions_of_a_brewer_are_answered_the_right_way(service: Service) -> None:
    magnum = _bill(20, 13, 60, "Magnum")
    honey = {"name": "Honey", "amount_g": 500, "stage": "end"}
    answers = service.ask(
        [
            {**PALE, "hops": _bill(100, 12, 19)},
            {**PALE, "hops": _bill(100, 12, 20)},
            {**PALE, "hops": _bill(30, 10, 44)},
            {**PALE, "hops": _bill(30, 10, 45)},
            {**PALE, **_strength(1036, 0.75), "hops": _bill(30, 10, 60)},
            {**PALE, **_strength(1090, 0.75), "hops": _bill(30, 10, 60)},
            {**PALE, "hops": []},
            {**PALE, "hops": magnum},
            {**PALE, "hops": [*magnum, honey]},
        ]
    )
    citra_19, citra_20, at_44, at_45, weak, strong, none, plain, sweet = answers
    assert 0 <= citra_20["ibu"] - citra_19["ibu"] <= 1
    assert 0 <= at_45["ibu"] - at_44["ibu"] <= 0.5
    assert strong["ibu"] <= weak["ibu"]
    assert none["ibu"] <= 2 and none["interval"]["lower"] == 0
    assert (sweet["ibu"], sweet["interval"]) == (plain["ibu"], plain["interval"])
    assert [warning["code"] for warning in sweet["warnings"]] == ["not_a_hop"]


def test_mild_styles_get_mild_answers(service: Service) -> None:
    malts = [{"name": "Wheat", "amount_kg": 2.5}, {"name": "Pilsner", "amount_kg": 2.0}]
    wheat: Beer = {"batch_volume_l": 20.0, "malts": malts, "yeast": "WLP300"}
    hefeweizen = {**wheat, **_strength(1050, 0.76), "ebc": 8.0, "ph": 4.4, "hops": _bill(20, 4.5, 60, "Hallertau")}
    berliner = {**wheat, **_strength(1032, 0.81), "ebc": 5.0, "ph": 3.3, "hops": _bill(8, 4.5, 60, "Hallertau")}
    first, second = service.ask([hefeweizen, berliner])  # version 1: 17.2 and 11.3
    assert abs(first["ibu"] - 12) < 2.5 and abs(second["ibu"] - 5) < 2.5
