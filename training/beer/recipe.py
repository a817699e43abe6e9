"""The recipe model ``beer-ibu-recipe``: bitterness from vital figures, hop bill, malts and yeast."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd

from app.domains.beer.grist import GRIST_COLUMNS
from app.domains.beer.hop_bill import BILL_COLUMNS, TIMES
from app.domains.beer.recipe import VITAL_COLUMNS
from training.arrays import Array
from training.baselines import PlainXGBoost, linear, median
from training.beer.bills import bill_rules, recipe_row
from training.beer.estimates import scaled_tinseth, tinseth
from training.beer.recipe_features import KETTLE, most_bitterness, recipe_features
from training.beer.recipe_prose import PROSE
from training.beer.vitals import INPUTS as VITAL_INPUTS
from training.spec import Column, Parameters, Spec, read_defaults

NAME = "beer-ibu-recipe"
DEFAULTS, CHOSEN = read_defaults("training.beer", NAME)

_WHEN = {
    "early": "boiled 45 minutes or more, or in mash or first wort",
    "middle": "boiled 20 to 45 minutes",
    "late": "boiled less than 20 minutes",
    "whirlpool": "put in at flame-out or whirlpool",
    "dry": "put in cold (dry hops)",
}
INPUTS = (
    *VITAL_INPUTS,
    *(Column(f"hops_{time}", "g/l", f"hops {_WHEN[time]}, per litre of beer") for time in TIMES),
    *(
        Column(f"alpha_{time}", "mg/l", f"alpha acids of the hops {_WHEN[time]}, per litre of beer", decimals=1)
        for time in TIMES
    ),
    *(
        Column(
            f"isomerised_{time}",
            "mg/l",
            f"alpha acids that the boil isomerises, of the hops {_WHEN[time]}, before the wort's gravity counts",
        )
        for time in KETTLE
    ),
    Column("oat_share", "", "oats' share of the grist's weight", optional=True),
    Column("crystal_share", "", "crystal and caramel malts' share of the grist's weight", optional=True),
    Column("clean_ale_yeast", "", "whether the yeast is a clean American ale yeast (1) or not (0)", optional=True),
    Column("phenolic_yeast", "", "whether the yeast is Belgian, of wheat beer, or wild (1) or not (0)", optional=True),
)

_VITAL = ("abv", "og", "fg", "ph", "abv_residual", "colour")
_GRAMS = tuple(f"hops_{time}" for time in TIMES)
_ALPHA = (*(f"alpha_{time}" for time in KETTLE), "alpha_kettle", "alpha_all")
_TINSETH = ("isomerised", "isomerised_to_gravity")
_MALT, _YEAST = GRIST_COLUMNS[:2], GRIST_COLUMNS[2:]
FEATURES = (*_VITAL, *_GRAMS, *_ALPHA, *_TINSETH, *_MALT, *_YEAST)
MONOTONE: Mapping[str, Literal[-1, 0, 1]] = dict.fromkeys(("abv", "og", *_GRAMS[:-1], *_ALPHA, *_TINSETH), 1)
"""All that rises with hops in the kettle. ``alpha_all`` has the dry hops' in it: they may raise the answer by it, and
lower it by their grams."""


def recipe_rows(frame: pd.DataFrame) -> Array:
    """The declared inputs of cleaned beers, by the service's own functions.

    Args:
        frame: Columns named as the vital inputs, and ``beer``.

    Returns:
        shape (n_rows, 24), float32, NaN where missing.
    """
    vital = frame[list(VITAL_COLUMNS)].to_numpy(np.float32)
    bills = np.array([recipe_row(beer) for beer in frame["beer"]], dtype=np.float32)
    return np.ascontiguousarray(np.concatenate([vital, bills], axis=1))


def _candidates(base: Parameters) -> dict[str, Parameters]:
    """Depth 5 or 6, a small or a larger share of the columns a level; all else as the defaults have it."""
    found = {}
    for depth in (5, 6):
        for share in (0.15, 0.25):
            centre = base.centre.model_copy(update={"max_depth": depth, "colsample_bylevel": share})
            found[f"depth {depth}, columns {share:g}"] = base.model_copy(update={"centre": centre})
    return found


_KINDS = ("hops", "alpha", "isomerised")
RANGES = (
    (0, 70),
    (900, 1300),
    (900, 1300),
    (0, 1000),
    (0, 600),
    (2.5, 7),
    *[(0, 20)] * len(TIMES),
    *[(0, 1000)] * len(TIMES),
    *[(0, 200)] * len(KETTLE),
    (0, 1),
    (0, 1),
    (0, 1),
    (0, 1),
)
REASONS = {
    "strength": ("abv", "target_og", "target_fg"),
    "colour": ("ebc", "srm"),
    "pH": ("ph",),
    "bittering hops": tuple(f"{kind}_{time}" for kind in _KINDS for time in ("early", "middle")),
    "late hops": tuple(f"{kind}_{time}" for kind in _KINDS for time in ("late", "whirlpool")),
    "dry hops": ("hops_dry", "alpha_dry"),
    "malt and yeast": GRIST_COLUMNS,
}

_PALE_ALE = (5.4, 1053.0, 1011.0, 17.0, None, 4.4)
_PALE_ALE_BILL = (0.6, 0.6, 1.2, 0.0, 5.0, 80.0, 75.0, 140.0, 0.0, 550.0, 18.0, 12.5, 11.0, 0.0)
_NO_BILL = (0.0,) * len(BILL_COLUMNS)
_HUGE_BILL = (1e6,) * len(BILL_COLUMNS)
_GRIST, _NO_GRIST = (0.0, 0.08, 1.0, 0.0), (None,) * len(GRIST_COLUMNS)
GOLDEN = (
    (*_PALE_ALE, *_PALE_ALE_BILL, *_GRIST),
    (*_PALE_ALE, *_PALE_ALE_BILL, *_NO_GRIST),
    (*_PALE_ALE, *_PALE_ALE_BILL, 0.1, 0.0, None, None),
    (*_PALE_ALE, *_NO_BILL, *_GRIST),
    (5.4, 1053.0, 1011.0, None, None, None, *_NO_BILL, *_NO_GRIST),
    (
        9.2,
        1085.0,
        1015.0,
        30.0,
        15.0,
        4.4,
        4.0,
        1.0,
        4.0,
        2.0,
        12.0,
        500.0,
        130.0,
        500.0,
        250.0,
        1400.0,
        115.0,
        22.0,
        40.0,
        11.0,
        *_GRIST,
    ),
    (
        10.5,
        1100.0,
        1025.0,
        250.0,
        127.0,
        4.4,
        3.0,
        0.0,
        0.0,
        0.0,
        0.0,
        400.0,
        0.0,
        0.0,
        0.0,
        0.0,
        92.0,
        0.0,
        0.0,
        0.0,
        0.1,
        0.12,
        1.0,
        0.0,
    ),
    (
        4.7,
        1047.0,
        1009.0,
        8.0,
        None,
        4.3,
        0.2,
        0.0,
        0.2,
        0.0,
        0.0,
        25.0,
        0.0,
        10.0,
        0.0,
        0.0,
        5.6,
        0.0,
        0.8,
        0.0,
        0.0,
        0.0,
        0.0,
        1.0,
    ),
    (0.0, 900.0, 900.0, 0.0, 0.0, 2.5, *_HUGE_BILL, *_NO_GRIST),
    (70.0, 1300.0, 900.0, 1000.0, 600.0, 7.0, *_HUGE_BILL, 1.0, 1.0, 1.0, 1.0),
)


def _variant(features: tuple[str, ...], monotone: bool = True, ceiling: bool = True) -> Parameters:
    centre = DEFAULTS.centre.model_copy(update={"monotone": monotone})
    return DEFAULTS.model_copy(update={"features": features, "centre": centre, "ceiling": ceiling})


_GRAMMED = (*_VITAL, *_GRAMS)
_ALPHAED = (*_GRAMMED, *_ALPHA)
_TINSETHED = (*_ALPHAED, *_TINSETH)
ABLATION = {
    "the six alone": _variant(_VITAL, ceiling=False),
    "+ grams by stage": _variant(_GRAMMED, ceiling=False),
    "+ alpha acids by stage": _variant(_ALPHAED),
    "+ Tinseth": _variant(_TINSETHED),
    "+ malts": _variant((*_TINSETHED, *_MALT)),
    "+ yeast, without malts": _variant((*_TINSETHED, *_YEAST)),
    "+ malts and yeast (this model)": DEFAULTS,
    "this model, not monotone": _variant(DEFAULTS.features, monotone=False),
}

RECIPE = Spec(
    name=NAME,
    description="Bitterness (IBU) of a beer from its vital figures, hop bill, malts and yeast.",
    inputs=INPUTS,
    rows=recipe_rows,
    features=recipe_features,
    trend_column=None,
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
    random_ranges=RANGES,
    reasons=REASONS,
    background=16,
    rules=bill_rules,
    ceiling=most_bitterness,
    withheld={"malts and yeast": GRIST_COLUMNS},
    ablation=ABLATION,
)
