"""Features of a beer with its hop bill, as arithmetic on whole columns; the same functions make the ONNX nodes."""

import numpy as np

from app.domains.beer.hop_bill import TIMES
from training.arrays import Array, Columns
from training.beer.features import vital_features

KETTLE = TIMES[:-1]
"""Times that bitter; the last is the dry hops'."""
TYPICAL = {"oat_share": 0.0, "crystal_share": 0.05, "clean_ale_yeast": 1.0, "phenolic_yeast": 0.0}
"""What malts and yeast are taken for where they are not told: the training beers' medians."""
UNHOPPED_IBU = 8.0
"""What dark malt and haze may pass for where there are no hops."""
DRY_HOP_IBU = 1.0
"""IBU that a gram of dry hops per litre may add at most: what oxidised alpha acids and polyphenols measure as."""


def kettle_sum(given: Columns, kind: str) -> Array:
    """A kind of column summed over all times that bitter.

    Args:
        given: The bill's columns.
        kind: ``hops``, ``alpha`` or ``isomerised``.
    """
    total, *others = (given[f"{kind}_{time}"] for time in KETTLE)
    for column in others:
        total = total + column
    return total


def recipe_features(given: Columns) -> dict[str, Array]:
    """The recipe model's features from its declared inputs.

    Args:
        given: The columns of `app.domains.beer.inputs.RECIPE_INPUTS`; NaN where optional ones are missing.
    """
    isomerised = kettle_sum(given, "isomerised")
    alpha = kettle_sum(given, "alpha")
    grist: dict[str, Array] = {
        name: np.where(np.isnan(given[name]), np.float32(typical), given[name]) for name, typical in TYPICAL.items()
    }
    bill = {name: given[name] for kind in ("hops", "alpha") for name in (f"{kind}_{time}" for time in TIMES)}
    return {
        **vital_features(given),
        **bill,
        **grist,
        "alpha_kettle": alpha,
        "alpha_all": alpha + given["alpha_dry"],
        "isomerised": isomerised,
        "isomerised_to_gravity": isomerised / (np.maximum(given["target_og"] - 1000.0, 0.0) + 10.0),
    }


def most_bitterness(features: Columns) -> Array:
    """The ceiling: all alpha acids of the kettle isomerised, a little for dry hops and for none at all, IBU.

    Args:
        features: From `recipe_features`.
    """
    most: Array = features["alpha_kettle"] + features["hops_dry"] * np.float32(DRY_HOP_IBU) + np.float32(UNHOPPED_IBU)
    return most
