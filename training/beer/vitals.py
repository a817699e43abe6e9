"""The vitals model ``beer-ibu``: bitterness from a beer's six vital figures."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from app.domains.beer.inputs import EBC, OG, PH, SRM, VITAL_INPUTS, BeerInput, names
from training.baselines import Curve, PlainXGBoost, linear, median
from training.beer.catalogue_data import VITALS_DATA
from training.beer.features import vital_features
from training.beer.kinds import kinds
from training.spec import Array, Baseline, Parameters, Prose, Spec, column_of, read_defaults
from training.trend import TrendKind, fit_trend, trend_values

DEFAULTS, CHOSEN = read_defaults("training.beer", "beer-ibu")
_COLOURLESS = ("abv", "og", "fg", "ph", "abv_residual")


def vital_rows(frame: pd.DataFrame) -> Array:
    """Make the declared inputs of cleaned beers.

    Args:
        frame: Cleaned beers, with a column for each of `VITAL_INPUTS`.

    Returns:
        shape (n_rows, n_inputs), float32; NaN is missing.
    """
    return np.ascontiguousarray(frame[list(names(VITAL_INPUTS))].to_numpy(np.float32))


def _candidates(base: Parameters) -> dict[str, Parameters]:
    """Variants of the defaults: depth 2 or 3, with or without the trend, with or without colour."""
    result = {}
    for depth in (2, 3):
        for trend in (True, False):
            for features in (_COLOURLESS, (*_COLOURLESS, "colour")):
                name = f"depth {depth}, trend {trend}, colour {'colour' in features}".lower()
                centre = base.centre.model_copy(update={"max_depth": depth, "trend": trend})
                result[name] = base.model_copy(update={"centre": centre, "features": features})
    return result


FILES = (
    "`model.onnx` is served: the whole function, interval included. `model.ubj` is the same trees in XGBoost's "
    "format, one booster with a margin for centre, lower and upper; `parameters` in `manifest.json` says what is "
    "added to them. `trained_on.txt` has digests of the beers trained on, by which a later run knows them."
)
"""What the files of a bundle are, for cards of models without a hop bill."""
BOOSTER = (
    "one XGBoost booster over the features, a margin for each of centre, lower, upper; where trend is true, "
    "height * x / (x + half) with x = OG - 1000 is added; then lower and upper are moved by their shift. The bounds of "
    "a further interval are the centre moved by their shift times its distance from the lower or upper quantile, which "
    "is at least 3 IBU, within the wider intervals. No upper bound exceeds most_upper, unless the centre does"
)
"""How such a model is computed from its booster."""
UNUSED = {
    "colour": "Colour is read and checked but does not enter the answer. Its share in the reasons is therefore "
    "always 0.",
}
"""Inputs that such a model does not use, and what that means."""

PROSE = Prose(
    use="A first guess of a beer's bitterness from the six vital figures that every brewer knows, with an interval "
    "that says how far off it may be.",
    misuse="Not for labels, law or laboratory: it measures nothing. Not for judging a hop bill: the six figures do not "
    "know the hops, and a beer with none gets the bitterness that its strength usually goes with. Not outside "
    "the trained ranges, which the manifest gives; the service warns there.",
    faults=(
        "A stronger wort with the alcohol that follows from it never lowers the answer, by constraint; alcohol that "
        "the gravities do not account for may, and the interval's ends are under no constraint.",
    ),
    files=FILES,
    booster=BOOSTER,
    unused=UNUSED,
)

OG_TREND = TrendKind("og", "identity", fit_trend, trend_values)
"""A saturating curve of the original gravity."""


def baselines(inputs: Sequence[BeerInput]) -> dict[str, Baseline]:
    """Build the baselines of a model that predicts from vital figures.

    Args:
        inputs: The model's inputs, the vital figures among them.
    """
    return {
        "median": median,
        "linear": linear,
        "curve a(1 - exp(-(OG - 1000)/b))": Curve(column=column_of(inputs, OG.name)),
        "plain XGBoost (500 trees, depth 3)": PlainXGBoost(),
    }


VITAL_FACTS = {"colour": names((EBC, SRM)), "ph": names((PH,))}
"""Inputs that the optional vital figures tell."""
PALE_ALE = {"abv": 5.4, "target_og": 1053.0, "target_fg": 1011.0, "ebc": 17.0, "ph": 4.4}
"""Vital figures of a pale ale, for golden rows with a hop bill."""

VITALS = Spec(
    name="beer-ibu",
    description="Bitterness (IBU) of a beer from its alcohol, gravities, colour and pH.",
    inputs=VITAL_INPUTS,
    rows=vital_rows,
    features=vital_features,
    trend=OG_TREND,
    monotone={"abv": 1, "og": 1, "fg": -1},
    defaults=DEFAULTS,
    chosen=CHOSEN,
    candidates=_candidates(DEFAULTS),
    baselines=baselines(VITAL_INPUTS),
    golden=(
        {"abv": 5.0, "target_og": 1048.5, "target_fg": 1010.0, "ebc": 65.0, "srm": 32.5, "ph": 4.4},
        {"abv": 4.7, "target_og": 1047.0, "target_fg": 1009.0, "ebc": 12.0, "srm": 6.0, "ph": 4.4},
        {"abv": 8.2, "target_og": 1076.0, "target_fg": 1013.0, "ebc": 30.0, "srm": 15.0, "ph": 4.4},
        {"abv": 12.0, "target_og": 1112.0, "target_fg": 1024.0, "ebc": 300.0, "srm": 152.0, "ph": 4.3},
        {"abv": 0.5, "target_og": 1007.0, "target_fg": 1005.0, "ebc": 30.0, "srm": 15.0, "ph": 4.4},
        {"abv": 6.5, "target_og": 1060.0, "target_fg": 1012.0, "srm": 15.0, "ph": 4.4},
        {"abv": 6.5, "target_og": 1060.0, "target_fg": 1012.0, "ebc": 30.0},
        {"abv": 6.5, "target_og": 1060.0, "target_fg": 1012.0},
        {"abv": 0.0, "target_og": 900.0, "target_fg": 900.0, "ebc": 0.0, "srm": 0.0, "ph": 2.5},
        {"abv": 70.0, "target_og": 1300.0, "target_fg": 900.0, "ebc": 1000.0, "srm": 600.0, "ph": 7.0},
    ),
    prose=PROSE,
    known_data=VITALS_DATA,
    background=32,
    withheld={"colour and pH": names((EBC, SRM, PH))},
    facts=VITAL_FACTS,
    kinds=kinds,
)
