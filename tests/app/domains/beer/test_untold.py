"""What to tell next: parts of the beer that would lower the mean error, by the figures in the manifest."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.bundle.store import highest, read_bundle
from app.domains.beer.answers import UntoldPart
from app.domains.beer.api import RECIPE, VITALS, BeerApi
from app.domains.beer.schema import EXAMPLE_BEER, EXAMPLE_RECIPE, Beer
from app.runtime.onnx import OnnxPredictor
from tests.known import REPOSITORY
from tests.model_manager import model_manager

Values = dict[str, Any]
WITH_BILL: list[Any] = [
    {"fields": [], "mae": 12.32},
    {"fields": ["malts"], "mae": 13.1},
    {"fields": ["yeast"], "mae": 12.5},
    {"fields": ["malts", "yeast"], "mae": 13.2},
    {"fields": ["colour"], "mae": 12.31},
    {"fields": ["ph"], "mae": 12.36},
    {"fields": ["malts", "varieties", "yeast"], "mae": 15.04},
    {"fields": ["colour", "malts", "ph", "yeast"], "mae": 13.7},
]
WITHOUT_BILL: list[Any] = [
    {"fields": [], "mae": 17.25},
    {"fields": ["colour"], "mae": 17.7},
    {"fields": ["ph"], "mae": 17.3},
    {"fields": ["colour", "ph"], "mae": 18.11},
]


def _api(models: Path, **patterns: Any) -> BeerApi:
    """The beer domain with these figures in the manifests."""
    manager = model_manager(BeerApi)
    for name, figures in ((VITALS, patterns.get("vitals")), (RECIPE, patterns.get("recipe"))):
        bundle = read_bundle(highest(models, name))
        values = {key: value for key, value in bundle.manifest.metrics.values.items() if key != "missing"}
        values |= {} if figures is None else {"missing": figures}
        metrics = bundle.manifest.metrics.model_copy(update={"values": values})
        manager.add(OnnxPredictor(replace(bundle, manifest=bundle.manifest.model_copy(update={"metrics": metrics}))))
    return BeerApi(manager)


@pytest.fixture(scope="module")
def api(models: Path) -> BeerApi:
    """The beer domain with the figures of both lists."""
    return _api(models, vitals=WITHOUT_BILL, recipe=WITH_BILL)


def _untold(api: BeerApi, values: Values, **changed: Any) -> list[UntoldPart] | None:
    given = {key: value for key, value in {**values, **changed}.items() if value is not None}
    return api.explain(Beer.model_validate(given))["explanation"].get("untold")


def test_a_beer_that_tells_everything_need_not_tell_more(api: BeerApi) -> None:
    assert _untold(api, EXAMPLE_RECIPE) is None
    assert _untold(api, EXAMPLE_RECIPE, ebc=None, srm=8.6) is None


def test_a_beer_without_hops_is_asked_for_nothing(api: BeerApi) -> None:
    assert _untold(api, EXAMPLE_RECIPE, hops=[], malts=None, yeast=None) is None


def test_what_lowers_the_mean_error_most_is_first(api: BeerApi) -> None:
    assert _untold(api, EXAMPLE_RECIPE, malts=None, yeast=None) == [
        {
            "group": "malts",
            "inputs": ["malts"],
            "mean_error": 13.2,
            "mean_error_told": 12.5,
            "text": "With the malts, the mean error of held-out beers is 12.5 IBU in place of 13.2.",
        },
        {
            "group": "yeast",
            "inputs": ["yeast"],
            "mean_error": 13.2,
            "mean_error_told": 13.1,
            "text": "With the yeast, the mean error of held-out beers is 13.1 IBU in place of 13.2.",
        },
    ]


def test_what_does_not_lower_the_mean_error_is_left_out(api: BeerApi) -> None:
    assert _untold(api, EXAMPLE_RECIPE, ebc=None) is None
    assert _untold(api, EXAMPLE_RECIPE, ph=None) == [
        {
            "group": "pH",
            "inputs": ["ph"],
            "mean_error": 12.4,
            "mean_error_told": 12.3,
            "text": "With the pH, the mean error of held-out beers is 12.3 IBU in place of 12.4.",
        }
    ]


@pytest.mark.parametrize("missing", [{}, {"ebc": None, "ph": None}])
def test_a_beer_without_a_hop_bill_is_asked_for_it(api: BeerApi, missing: Values) -> None:
    first, *others = _untold(api, EXAMPLE_BEER, **missing) or []
    assert (first["group"], first["inputs"]) == ("hop bill", ["hops"])
    figures = (18.1, 13.7) if missing else (17.2, 13.2)
    assert (first["mean_error"], first["mean_error_told"]) == figures
    assert [part["group"] for part in others] == (["colour", "pH"] if missing else [])


def test_hops_without_known_names_are_asked_for_their_varieties(api: BeerApi) -> None:
    strange = [{"name": "Moon Hop", "amount_g": 20, "stage": "start"}]
    asked = _untold(api, EXAMPLE_RECIPE, hops=strange, malts=None, yeast=None)
    assert [(part["group"], part["mean_error_told"]) for part in asked or ()] == [("hop varieties", 13.2)]
    known = {"alpha_acid": 9.0}, {"alpha_acid_low": 8.0, "alpha_acid_high": 10.0}, {"name": "Magnum"}
    for bill in ([*strange, {**strange[0], **more}] for more in known):
        asked = _untold(api, EXAMPLE_RECIPE, hops=bill, malts=None, yeast=None)
        assert [part["group"] for part in asked or ()] == ["malts", "yeast"]


@pytest.mark.parametrize("missing", [None, [], {}, "malts", [7, {"fields": "malts"}, {"fields": []}, {"mae": 12.0}]])
def test_a_version_without_figures_asks_for_nothing(models: Path, missing: object) -> None:
    api = _api(models, vitals=missing, recipe=missing)
    assert _untold(api, EXAMPLE_RECIPE, malts=None, yeast=None) is _untold(api, EXAMPLE_BEER) is None


def test_a_prediction_without_explanation_does_not_say_it(api: BeerApi) -> None:
    assert "untold" not in str(api.predict(Beer.model_validate(EXAMPLE_BEER)))


def test_the_committed_models_ask_for_the_hop_bill_and_the_malts(domain: BeerApi) -> None:
    for missing in ({}, {"ph": None, "ebc": None}):
        first = (_untold(domain, EXAMPLE_BEER, **missing) or [])[0]
        assert first["group"] == "hop bill" and first["mean_error_told"] < first["mean_error"] - 1
    first = (_untold(domain, EXAMPLE_RECIPE, malts=None) or [])[0]
    assert first["group"] == "malts" and first["text"] in (REPOSITORY / "docs" / "beer.md").read_text("utf-8")
