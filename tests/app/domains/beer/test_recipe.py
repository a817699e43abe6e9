"""Beers as rows: each value in the column of its name, in the unit that the model takes."""

import math
from typing import Any

import numpy as np
import pytest

from app.bundle.manifest import Manifest
from app.bundle.store import Bundle, read_bundle
from app.domains.beer.api import RECIPE, BeerApi
from app.domains.beer.corrections import Corrections
from app.domains.beer.inputs import GRIST_INPUTS, HOP_INPUTS, VITAL_INPUTS, names
from app.domains.beer.isomerisation import isomerised_share
from app.domains.beer.plausibility import PlausibilityChecks
from app.domains.beer.predictions import PredictionBuilder
from app.domains.beer.recipe import resolve, vital_rows
from app.domains.beer.schema import Beer
from app.telemetry.metrics import Registry
from tests.committed import committed
from tests.known import BEER

HOPS: list[dict[str, Any]] = [
    {"name": "Magnum", "amount_g": 30, "alpha_acid": 10, "boil_minutes": 60},
    {"name": "Saaz", "amount_g": 40, "alpha_acid": 4, "stage": "end"},
    {"name": "Citra", "amount_g": 100, "alpha_acid": 12, "stage": "dry_hop"},
]
MALTS = [
    {"name": "Pale", "amount_kg": 4.5},
    {"name": "Crystal 150", "amount_kg": 0.5},
    {"name": "Oats", "amount_kg": 1},
]


def beer(**more: Any) -> Beer:
    return Beer.model_validate({**BEER, **more})


def columns(one: Beer) -> dict[str, float]:
    assert one.hops is not None
    return dict(zip(names((*HOP_INPUTS, *GRIST_INPUTS)), resolve(one, one.hops).columns, strict=True))


def builder(manifest: Manifest) -> PredictionBuilder:
    return PredictionBuilder(manifest, Corrections(manifest), PlausibilityChecks(manifest), Registry())


def test_vital_statistics_are_in_the_columns_of_their_names() -> None:
    row = dict(zip(names(VITAL_INPUTS), vital_rows([beer()])[0].tolist(), strict=True))
    assert {name: row[name] for name in BEER} == BEER


def test_only_specific_gravities_are_converted_to_points() -> None:
    low = {"abv": 0.5, "target_og": 1.056, "target_fg": 1013.0, "ebc": 9.0, "srm": 4.0, "ph": 2.5}
    row = dict(zip(names(VITAL_INPUTS), vital_rows([beer(), beer(**low)])[1].tolist(), strict=True))
    assert {name: row[name] for name in low} == {**low, "target_og": 1056.0}


def test_a_recipe_is_in_the_columns_of_its_names() -> None:
    values = columns(beer(hops=HOPS, malts=MALTS, yeast="Wyeast 3711 - French Saison"))
    assert {name: value for name, value in values.items() if value} == pytest.approx(
        {
            "hops_early": 1.5,
            "hops_late": 2.0,
            "hops_dry": 5.0,
            "alpha_early": 150.0,
            "alpha_late": 80.0,
            "alpha_dry": 600.0,
            "isomerised_early": 150.0 * (1 - math.exp(-2.4)) / 4.15,
            "isomerised_late": 80.0 * (1 - math.exp(-0.2)) / 4.15,
            "iso_alpha_early": 150.0 * isomerised_share(60.0),
            "iso_alpha_late": 80.0 * isomerised_share(5.0),
            "oat_share": 1 / 6,
            "crystal_share": 0.5 / 6,
            "phenolic_yeast": 1.0,
        }
    )


def test_hops_at_flame_out_isomerise_for_two_minutes() -> None:
    values = columns(beer(hops=[{**HOPS[0], "boil_minutes": 0}]))
    assert values["isomerised_whirlpool"] == pytest.approx(150.0 * (1 - math.exp(-0.08)) / 4.15)


def test_a_hop_without_known_alpha_acid_is_assumed_to_have_ten_percent() -> None:
    values = columns(beer(hops=[{"name": "Moon Hop", "amount_g": 20, "stage": "start"}]))
    assert values["alpha_early"] == pytest.approx(100.0)


def test_tinseths_estimate_is_rounded_to_a_tenth_of_an_ibu(domain: BeerApi) -> None:
    one = beer(target_og=1.050, hops=[HOPS[0]])
    estimate = domain.predict(one)["estimates"]["tinseth"]
    exact = 150.0 * 1.65 * 0.000125**0.05 * (1 - math.exp(-2.4)) / 4.15
    assert estimate == round(exact, 1) == 34.6


def test_rows_follow_the_order_of_the_manifest(bundle: Bundle) -> None:
    turned = bundle.manifest.model_copy(update={"inputs": bundle.manifest.inputs[::-1]})
    rows, bills = builder(turned).rows([beer(), beer(abv=7.5)])
    assert bills == []
    assert rows.tolist() == [list(BEER.values())[::-1], list({**BEER, "abv": 7.5}.values())[::-1]]


def test_a_version_without_an_input_gets_rows_without_it() -> None:
    manifest = read_bundle(committed(RECIPE)).manifest
    older = manifest.model_copy(update={"inputs": manifest.inputs[:-1]})
    one = beer(hops=HOPS, malts=MALTS, yeast="Wyeast 1056")
    rows, _ = builder(manifest).rows([one])
    without, _ = builder(older).rows([one])
    assert np.array_equal(without, rows[:, :-1])


def test_a_version_that_reads_no_yeast_gives_no_warning_of_an_unknown_one() -> None:
    manifest = read_bundle(committed(RECIPE)).manifest
    reads_none = manifest.model_copy(update={"inputs": tuple(i for i in manifest.inputs if "yeast" not in i.name)})
    one = beer(hops=HOPS, yeast="Moon Strain")
    codes = [[w["code"] for w in builder(m).rows([one])[1][0].warnings] for m in (manifest, reads_none)]
    assert codes == [["unknown_yeast"], []]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [("ph", "acidity", "unknown inputs: acidity"), ("ebc", "ph", "lacks inputs: ebc")],
)
def test_a_bundle_with_other_inputs_is_rejected_when_it_is_loaded(
    bundle: Bundle, old: str, new: str, message: str
) -> None:
    inputs = tuple(i.model_copy(update={"name": new if i.name == old else i.name}) for i in bundle.manifest.inputs)
    with pytest.raises(ValueError, match=message):
        BeerApi.prepare(bundle.manifest.model_copy(update={"inputs": inputs}), Registry())
