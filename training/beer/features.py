"""Features of a beer's vital figures, as arithmetic on whole columns; the same function makes the ONNX nodes."""

import numpy as np

from app.domains.beer.units import ABV_PER_POINT, EBC_PER_SRM
from training.spec import Array, Columns


def colour(ebc: Array, srm: Array) -> Array:
    """Colour in EBC, from SRM where EBC is missing; NaN where both are.

    Args:
        ebc: Colour in EBC, shape (n_rows,) or (n_rows, 1).
        srm: Colour in SRM, same shape.
    """
    return np.where(np.isnan(ebc), srm * EBC_PER_SRM, ebc)


def attenuation(og: Array, fg: Array) -> Array:
    """Apparent attenuation: share of the extract that was fermented; 0 at original gravities of water.

    Args:
        og: Original gravity in points.
        fg: Final gravity in points.
    """
    fermented: Array = (og - fg) / np.maximum(og - 1000.0, 1.0)
    return fermented


def abv_residual(abv: Array, og: Array, fg: Array) -> Array:
    """Alcohol that the gravities do not account for (freezing, barrels, rounding), % vol.

    Args:
        abv: Alcohol, % vol.
        og: Original gravity in points.
        fg: Final gravity in points.
    """
    return abv - (og - fg) * ABV_PER_POINT


def vital_features(given: Columns) -> dict[str, Array]:
    """The vitals model's features from its declared inputs.

    Args:
        given: ``abv`` (% vol), ``target_og`` and ``target_fg`` (points), ``ebc``, ``srm``, ``ph``; the last three NaN
            where missing.
    """
    abv, og, fg = given["abv"], given["target_og"], given["target_fg"]
    return {
        "abv": abv,
        "og": og,
        "fg": fg,
        "colour": colour(given["ebc"], given["srm"]),
        "ph": given["ph"],
        "attenuation": attenuation(og, fg),
        "abv_residual": abv_residual(abv, og, fg),
    }
