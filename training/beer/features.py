"""Features of the vital figures, as arithmetic on columns; the same function builds the nodes of the ONNX graph."""

import numpy as np

from app.domains.beer.units import ABV_PER_POINT, EBC_PER_SRM
from training.spec import Array, Columns


def colour(ebc: Array, srm: Array) -> Array:
    """Compute the colour in EBC, from SRM if EBC is missing; NaN if both are missing.

    Args:
        ebc: Colour in EBC, shape (n_rows,) or (n_rows, 1).
        srm: Colour in SRM, same shape.
    """
    return np.where(np.isnan(ebc), srm * EBC_PER_SRM, ebc)


def attenuation(og: Array, fg: Array) -> Array:
    """Compute the apparent attenuation: the share of the extract that was fermented; 0 if OG equals FG.

    Args:
        og: Original gravity in points.
        fg: Final gravity in points.
    """
    fermented: Array = (og - fg) / np.maximum(og - 1000.0, 1.0)
    return fermented


def abv_residual(abv: Array, og: Array, fg: Array) -> Array:
    """Compute the alcohol that does not follow from the gravities (freezing, barrels, rounding), % vol.

    Args:
        abv: Alcohol, % vol.
        og: Original gravity in points.
        fg: Final gravity in points.
    """
    return abv - (og - fg) * ABV_PER_POINT


def vital_features(given: Columns) -> dict[str, Array]:
    """Compute the features of the vitals model.

    Args:
        given: Columns of `app.domains.beer.inputs.VITAL_INPUTS` by name; NaN is missing.

    Returns:
        Columns by feature name.
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
