"""Malts and yeast as inputs of the recipe model."""

import re
from collections.abc import Iterable

_OAT = re.compile(r"\boat", re.IGNORECASE)
_CRYSTAL = re.compile(r"crystal|\bcara(?!fa)|\bdrc\b|\bt50\b", re.IGNORECASE)
"""Crystal and caramel malts, whose sugars balance bitterness. Carafa is a roasted malt."""
_CLEAN_ALE = re.compile(r"1056|1272|us-?05|\bchico\b", re.IGNORECASE)
"""American ale yeasts."""
_PHENOLIC = re.compile(r"3522|3711|\bwit|weizen|wheat|monast|belg|wb-06|brett|saison", re.IGNORECASE)
"""Belgian, wheat and wild yeasts, which ferment beers of low bitterness."""
_NAN = float("nan")


def malt_shares(malts: Iterable[tuple[str, float]] | None) -> tuple[float, float]:
    """Compute the shares of oats and of crystal malts in the weight of the grist.

    Args:
        malts: Name and weight of each malt, all weights in one unit; None if unknown.

    Returns:
        Values of `app.domains.beer.inputs.MALT_INPUTS`, 0 to 1; NaN if the total weight is 0 or unknown.
    """
    total = oats = crystal = 0.0
    for name, weight in malts or ():
        total += weight
        oats += weight if _OAT.search(name) else 0.0
        crystal += weight if _CRYSTAL.search(name) else 0.0
    return (oats / total, crystal / total) if total > 0 else (_NAN, _NAN)


def yeast_kinds(yeast: str | None) -> tuple[float, float]:
    """Tell whether a yeast is a clean ale yeast, and whether it is phenolic.

    Args:
        yeast: Name or code; None if unknown.

    Returns:
        Values of `app.domains.beer.inputs.YEAST_INPUTS`, each 0 or 1; NaN if unknown.
    """
    if yeast is None:
        return _NAN, _NAN
    return float(bool(_CLEAN_ALE.search(yeast))), float(bool(_PHENOLIC.search(yeast)))
