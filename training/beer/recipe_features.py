"""Features of a beer with its hop bill, as arithmetic on columns; the same functions build the ONNX graph."""

import numpy as np

from app.domains.beer.hop_bill import DRY, TIMES
from training.arrays import Array, Columns
from training.beer.features import vital_features
from training.trend import TrendKind, fit_hop_curve, hop_curve_values

KETTLE = TIMES[:DRY]
"""Times of addition in the brewhouse, where hops add bitterness; all but dry hops."""
TYPICAL = {"oat_share": 0.0, "crystal_share": 0.05, "clean_ale_yeast": 1.0, "phenolic_yeast": 0.0}
"""Values assumed for missing malts and yeast: the medians of the training beers."""
HOP_CURVE = TrendKind("iso_alpha", "sqrt", fit_hop_curve, hop_curve_values, full_at=3.0)
"""The curve under the trees. They count in full from 9 IBU on, the square of `full_at`."""


def kettle_sum(given: Columns, kind: str) -> Array:
    """Sum one kind of hop input over the times in `KETTLE`.

    Args:
        given: Columns of the hop inputs by name.
        kind: ``hops``, ``alpha``, ``isomerised`` or ``iso_alpha``.
    """
    total, *others = (given[f"{kind}_{time}"] for time in KETTLE)
    for column in others:
        total = total + column
    return total


def recipe_features(given: Columns) -> dict[str, Array]:
    """Compute the features of the recipe model.

    Args:
        given: Columns of `app.domains.beer.inputs.RECIPE_INPUTS` by name; NaN is missing.

    Returns:
        Columns by feature name.
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
        "malts_told": given["crystal_share"],
        "iso_alpha": kettle_sum(given, "iso_alpha"),
        "alpha_kettle": alpha,
        "alpha_all": alpha + given["alpha_dry"],
        "isomerised": isomerised,
        "isomerised_to_gravity": isomerised / (np.maximum(given["target_og"] - 1000.0, 0.0) + 10.0),
    }
