"""The style model ``beer-ibu-style``: bitterness from a beer's vital figures and its style's range of bitterness."""

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd

from app.domains.beer.inputs import EBC, PH, SRM, STYLE_INPUTS, STYLED_INPUTS, names
from app.domains.beer.styles import Range, find
from training.beer.catalogue_data import STYLE_DATA
from training.beer.features import vital_features
from training.beer.kinds import kinds
from training.beer.vitals import BOOSTER, FILES, OG_TREND, PALE_ALE, UNUSED, VITAL_FACTS, baselines, vital_rows
from training.cleaning import Mask, Rule
from training.ensemble import train
from training.spec import Array, Columns, Data, Parameters, Prose, Spec, read_defaults

NAME = "beer-ibu-style"
DEFAULTS, CHOSEN = read_defaults("training.beer", NAME)
_RANGE = names(STYLE_INPUTS)
MONOTONE: Mapping[str, Literal[-1, 0, 1]] = {"abv": 1, "og": 1, "fg": -1, **dict.fromkeys(_RANGE, 1)}


def style_range(recipe: Mapping[str, object]) -> Range | None:
    """Find the bitterness of a recipe's style; None if the style is missing, unknown or without a range.

    Args:
        recipe: A recipe before cleaning.
    """
    style = recipe.get("style")
    found = find(style) if isinstance(style, str) else None
    return found.ibu if found else None


def style_rows(frame: pd.DataFrame) -> Array:
    """Make the declared inputs of cleaned beers.

    Args:
        frame: Cleaned beers: a column for each vital input, and ``beer``; each has a style with a range.

    Returns:
        shape (n_rows, n_inputs), float32; NaN is missing.
    """
    ranges = np.array([style_range(beer) for beer in frame["beer"]], dtype=np.float32)
    return np.ascontiguousarray(np.concatenate([vital_rows(frame), ranges], axis=1))


def style_rules() -> tuple[Rule, ...]:
    """Return the rule that drops beers whose style's bitterness is not known."""
    return (Rule("no_style_range", "no style, or one without a range of bitterness", _without_range),)


def _without_range(frame: pd.DataFrame) -> Mask:
    return frame["beer"].map(lambda beer: style_range(beer) is None)


def style_features(given: Columns) -> dict[str, Array]:
    """Compute the features of the style model.

    Args:
        given: Columns of `app.domains.beer.inputs.STYLED_INPUTS` by name; NaN is missing.

    Returns:
        Columns by feature name.
    """
    return {**vital_features(given), **{name: given[name] for name in _RANGE}}


def without_style(inputs: Array, labels: Array, test: Array) -> Array:
    """Predict as a baseline: this model, trained on the same beers without the style's range."""
    features = tuple(name for name in DEFAULTS.features if name not in _RANGE)
    parameters = DEFAULTS.model_copy(update={"features": features})
    rows = Data(inputs, labels, np.zeros(len(labels), np.int64))
    return train(STYLE, parameters, rows, (parameters.centre,), 0, parameters.seeds).values(test)[0]


def _candidates(base: Parameters) -> dict[str, Parameters]:
    """Variants of the defaults: depth 2 or 3, with or without the trend."""
    result = {}
    for depth in (2, 3):
        for trend in (True, False):
            centre = base.centre.model_copy(update={"max_depth": depth, "trend": trend})
            result[f"depth {depth}, trend {trend}".lower()] = base.model_copy(update={"centre": centre})
    return result


PROSE = Prose(
    use="A first guess of a beer's bitterness from its vital figures and its style, before there is a hop bill, with "
    "an interval that says how far off it may be.",
    misuse="Not for labels, law or laboratory: it measures nothing. Not for judging whether a beer meets its style: "
    "the style's range is an input. Not outside the trained ranges, which the manifest gives; the service warns there.",
    faults=(
        "A style counts only by the two ends of its range of bitterness: two styles with equal ranges give equal "
        "answers.",
        "A range with higher ends never lowers the answer, nor does a stronger wort with the alcohol that follows from "
        "it, by constraint; the interval's ends are under no constraint.",
    ),
    files=FILES,
    booster=BOOSTER,
    unused=UNUSED,
)
_IPA = {"style_low": 40.0, "style_high": 70.0}

STYLE = Spec(
    name=NAME,
    description="Bitterness (IBU) of a beer from its vital figures and the bitterness of its style.",
    inputs=STYLED_INPUTS,
    rows=style_rows,
    features=style_features,
    trend=OG_TREND,
    monotone=MONOTONE,
    defaults=DEFAULTS,
    chosen=CHOSEN,
    candidates=_candidates(DEFAULTS),
    baselines={**baselines(STYLED_INPUTS), "the same without the style": without_style},
    golden=(
        {**PALE_ALE, "style_low": 30.0, "style_high": 50.0},
        {"abv": 6.5, "target_og": 1060.0, "target_fg": 1012.0, "ebc": 17.0, "srm": 8.6, "ph": 4.4, **_IPA},
        {"abv": 6.5, "target_og": 1060.0, "target_fg": 1012.0, "ebc": 17.0, **_IPA},
        {"abv": 6.5, "target_og": 1060.0, "target_fg": 1012.0, **_IPA},
        {"abv": 4.9, "target_og": 1047.0, "target_fg": 1010.0, "ph": 4.3, "style_low": 8.0, "style_high": 15.0},
        {"abv": 10.0, "target_og": 1100.0, "target_fg": 1024.0, "ebc": 300.0, "style_low": 50.0, "style_high": 90.0},
        {
            "abv": 0.0,
            "target_og": 900.0,
            "target_fg": 900.0,
            "ebc": 0.0,
            "ph": 2.5,
            "style_low": 0.0,
            "style_high": 0.0,
        },
        {
            **{"abv": 70.0, "target_og": 1300.0, "target_fg": 900.0, "ebc": 1000.0, "srm": 600.0, "ph": 7.0},
            **{"style_low": 1000.0, "style_high": 1000.0},
        },
    ),
    prose=PROSE,
    known_data=STYLE_DATA,
    background=32,
    rules=style_rules,
    withheld={"colour and pH": names((EBC, SRM, PH))},
    facts=VITAL_FACTS,
    kinds=kinds,
)
