"""The recipe model ``beer-ibu-recipe``: bitterness from vital figures, hop bill, malts and yeast."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import pandas as pd

from app.domains.beer.hop_bill import TIMES
from app.domains.beer.inputs import (
    GRIST_INPUTS,
    HOP_INPUTS,
    MALT_INPUTS,
    RECIPE_INPUTS,
    YEAST_INPUTS,
    names,
)
from training.arrays import Array
from training.baselines import PlainXGBoost, linear, median
from training.beer.bills import bill_rules, recipe_row
from training.beer.catalogue_data import RECIPE_DATA
from training.beer.estimates import scaled_tinseth, tinseth
from training.beer.kinds import kinds
from training.beer.recipe_features import HOP_CURVE, KETTLE, recipe_features
from training.beer.recipe_prose import PROSE
from training.beer.vitals import PALE_ALE, VITAL_FACTS, vital_rows
from training.spec import Parameters, Spec, read_defaults

NAME = "beer-ibu-recipe"
DEFAULTS, CHOSEN = read_defaults("training.beer", NAME)

_STILL = ("ph", "colour", *names(GRIST_INPUTS))
"""What neither hops nor minutes nor gravity move."""
_GRAMS = tuple(f"hops_{time}" for time in TIMES)
_ALPHA = (*(f"alpha_{time}" for time in KETTLE), "alpha_kettle", "alpha_all")
_TINSETH = ("isomerised", "isomerised_to_gravity")
_STEPS = (*_GRAMS, *_ALPHA, *_TINSETH)
_GRAVITY = ("abv", "og")
MONOTONE: Mapping[str, Literal[-1, 0, 1]] = dict.fromkeys(("iso_alpha", *_GRAVITY, *_GRAMS[:-1], *_ALPHA, *_TINSETH), 1)
"""Features that rise with hops in the kettle, or with the wort's strength. The model itself uses
none of them; they are for the ablation."""


def recipe_rows(frame: pd.DataFrame) -> Array:
    """Make the declared inputs of cleaned beers, with the functions that the service uses.

    Args:
        frame: Cleaned beers: a column for each vital input, and ``beer``.

    Returns:
        shape (n_rows, n_inputs), float32; NaN is missing.
    """
    bills = np.array([recipe_row(beer) for beer in frame["beer"]], dtype=np.float32)
    return np.ascontiguousarray(np.concatenate([vital_rows(frame), bills], axis=1))


def nameless_rows(frame: pd.DataFrame) -> Array:
    """Make the declared inputs of cleaned beers as if no hop's variety were known; as `recipe_rows`."""
    bills = np.array([recipe_row(beer, nameless=True) for beer in frame["beer"]], dtype=np.float32)
    return np.ascontiguousarray(np.concatenate([vital_rows(frame), bills], axis=1))


def _candidates(base: Parameters) -> dict[str, Parameters]:
    """Variants of the defaults: depth 2 or 3, 60 or 100 rounds."""
    result = {}
    for depth in (2, 3):
        for rounds in (60, 100):
            centre = base.centre.model_copy(update={"max_depth": depth, "rounds": rounds})
            result[f"depth {depth}, {rounds} rounds"] = base.model_copy(update={"centre": centre})
    return result


_NO_HOPS = dict.fromkeys(names(HOP_INPUTS), 0.0)
_HUGE_BILL = dict.fromkeys(names(HOP_INPUTS), 1e6)
_GRIST = {"oat_share": 0.0, "crystal_share": 0.08, "clean_ale_yeast": 1.0, "phenolic_yeast": 0.0}


def _bill(
    hops: Mapping[str, float], alpha: Mapping[str, float], isomerised: Mapping[str, float], iso: Mapping[str, float]
) -> dict[str, float]:
    """Hop inputs of a golden row from values by time of addition; times left out are 0."""
    given = {"hops": hops, "alpha": alpha, "isomerised": isomerised, "iso_alpha": iso}
    return {**_NO_HOPS, **{f"{kind}_{time}": value for kind in given for time, value in given[kind].items()}}


_PALE_ALE_BILL = _bill(
    hops={"early": 0.6, "middle": 0.6, "late": 1.2, "dry": 5.0},
    alpha={"early": 80.0, "middle": 75.0, "late": 140.0, "dry": 550.0},
    isomerised={"early": 18.0, "middle": 12.5, "late": 11.0},
    iso={"early": 44.0, "middle": 29.0, "late": 28.0},
)
GOLDEN: tuple[Mapping[str, float], ...] = (
    {**PALE_ALE, **_PALE_ALE_BILL, **_GRIST},
    {**PALE_ALE, **_PALE_ALE_BILL},
    {**PALE_ALE, **_PALE_ALE_BILL, "oat_share": 0.1, "crystal_share": 0.0},
    {**PALE_ALE, **_NO_HOPS, **_GRIST},
    {"abv": 5.4, "target_og": 1053.0, "target_fg": 1011.0, **_NO_HOPS},
    {
        **{"abv": 9.2, "target_og": 1085.0, "target_fg": 1015.0, "ebc": 30.0, "srm": 15.0, "ph": 4.4},
        **_bill(
            hops={"early": 4.0, "middle": 1.0, "late": 4.0, "whirlpool": 2.0, "dry": 12.0},
            alpha={"early": 500.0, "middle": 130.0, "late": 500.0, "whirlpool": 250.0, "dry": 1400.0},
            isomerised={"early": 115.0, "middle": 22.0, "late": 40.0, "whirlpool": 11.0},
            iso={"early": 275.0, "middle": 50.0, "late": 100.0, "whirlpool": 38.0},
        ),
        **_GRIST,
    },
    {
        **{"abv": 10.5, "target_og": 1100.0, "target_fg": 1025.0, "ebc": 250.0, "srm": 127.0, "ph": 4.4},
        **_bill(hops={"early": 3.0}, alpha={"early": 400.0}, isomerised={"early": 92.0}, iso={"early": 220.0}),
        **{"oat_share": 0.1, "crystal_share": 0.12, "clean_ale_yeast": 1.0, "phenolic_yeast": 0.0},
    },
    {
        **{"abv": 4.7, "target_og": 1047.0, "target_fg": 1009.0, "ebc": 8.0, "ph": 4.3},
        **_bill(
            hops={"early": 0.2, "late": 0.2},
            alpha={"early": 25.0, "late": 10.0},
            isomerised={"early": 5.6, "late": 0.8},
            iso={"early": 13.8, "late": 2.0},
        ),
        **{"oat_share": 0.0, "crystal_share": 0.0, "clean_ale_yeast": 0.0, "phenolic_yeast": 1.0},
    },
    {"abv": 0.0, "target_og": 900.0, "target_fg": 900.0, "ebc": 0.0, "srm": 0.0, "ph": 2.5, **_HUGE_BILL},
    {
        **{"abv": 70.0, "target_og": 1300.0, "target_fg": 900.0, "ebc": 1000.0, "srm": 600.0, "ph": 7.0},
        **_HUGE_BILL,
        **dict.fromkeys(names(GRIST_INPUTS), 1.0),
    },
)


def _variant(features: tuple[str, ...], curve: bool = True, **centre: Any) -> Parameters:
    """Variant of the defaults with these features of the centre, with or without the curve under the trees."""
    settings: dict[str, Any] = {"trend": curve, "without": ("iso_alpha",), **centre}
    changed = DEFAULTS.centre.model_copy(update=settings)
    return DEFAULTS.model_copy(update={"features": (*features, "iso_alpha"), "centre": changed})


_DEEP: dict[str, Any] = {"rounds": 80, "max_depth": 6, "eta": 0.1, "colsample_bylevel": 0.15}
_OLD = ("fg", "abv_residual", *_STEPS, *_STILL)
ABLATION = {
    "trees over the bill by stage, rising with gravity (version 1)": _variant((*_GRAVITY, *_OLD), False, **_DEEP),
    "the same, without gravity and alcohol": _variant((*_STEPS, *_STILL), False, **_DEEP),
    "the curve of iso-alpha acid alone": _variant((), rounds=1, eta=1e-6),
    "+ colour and pH": _variant(("ph", "colour")),
    "+ malts": _variant(("ph", "colour", *names(MALT_INPUTS))),
    "+ malts and yeast (this model)": DEFAULTS,
    "this model, and gravity free to move it": _variant((*_STILL, "og"), monotone=False),
    "this model, and trees over the bill by stage": _variant((*_STILL, *_STEPS)),
}

RECIPE = Spec(
    name=NAME,
    description="Bitterness (IBU) of a beer from its vital figures, hop bill, malts and yeast.",
    inputs=RECIPE_INPUTS,
    rows=recipe_rows,
    features=recipe_features,
    trend=HOP_CURVE,
    told="malts_told",
    monotone=MONOTONE,
    defaults=DEFAULTS,
    chosen=CHOSEN,
    candidates=_candidates(DEFAULTS),
    baselines={
        "median": median,
        "linear": linear,
        "Tinseth": tinseth,
        "Tinseth, scaled": scaled_tinseth,
        "plain XGBoost (500 trees, depth 3)": PlainXGBoost(),
    },
    golden=GOLDEN,
    prose=PROSE,
    known_data=RECIPE_DATA,
    background=16,
    rules=bill_rules,
    withheld={"malts and yeast": names(GRIST_INPUTS)},
    facts={**VITAL_FACTS, "malts": names(MALT_INPUTS), "yeast": names(YEAST_INPUTS)},
    nameless=nameless_rows,
    kinds=kinds,
    ablation=ABLATION,
)
