"""Malts and yeast as the recipe model's inputs."""

import re
from collections.abc import Iterable

GRIST_COLUMNS = ("oat_share", "crystal_share", "clean_ale_yeast", "phenolic_yeast")
"""Shares of the grist's weight, 0 to 1, and kinds of yeast, 0 or 1; NaN where malts or yeast are not told."""

_OAT = re.compile(r"\boat", re.IGNORECASE)
_CRYSTAL = re.compile(r"crystal|\bcara(?!fa)|\bdrc\b|\bt50\b", re.IGNORECASE)
"""Crystal and caramel malts, whose sugars balance bitterness; Carafa is roasted."""
_CLEAN_ALE = re.compile(r"1056|1272|us-?05|\bchico\b", re.IGNORECASE)
"""American ale yeasts."""
_PHENOLIC = re.compile(r"3522|3711|\bwit|weizen|wheat|monast|belg|wb-06|brett|saison", re.IGNORECASE)
"""Belgian, wheat and wild yeasts, of beers that are bittered little."""
_NAN = float("nan")


def malt_shares(malts: Iterable[tuple[str, float]] | None) -> tuple[float, float]:
    """Shares of oats and of crystal malts in the grist.

    Args:
        malts: Name and weight of each, in any one unit; None where not told.

    Returns:
        The two shares; NaN where there is no weight to share.
    """
    total = oats = crystal = 0.0
    for name, weight in malts or ():
        total += weight
        oats += weight if _OAT.search(name) else 0.0
        crystal += weight if _CRYSTAL.search(name) else 0.0
    return (oats / total, crystal / total) if total > 0 else (_NAN, _NAN)


def yeast_kinds(yeast: str | None) -> tuple[float, float]:
    """Whether a yeast is a clean ale yeast, and whether it is phenolic.

    Args:
        yeast: Its name or code; None where not told.

    Returns:
        Two of 0 and 1; NaN where not told.
    """
    if yeast is None:
        return _NAN, _NAN
    return float(bool(_CLEAN_ALE.search(yeast))), float(bool(_PHENOLIC.search(yeast)))
