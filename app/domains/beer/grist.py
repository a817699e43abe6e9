"""Malts and yeast as inputs of the recipe model."""

import re
from collections.abc import Iterable
from functools import lru_cache

from app.domains.beer.yeasts import Kind, kinds

_OAT = re.compile(r"\boat|\bhafer", re.IGNORECASE)
_CRYSTAL = re.compile(r"crystal|\bcara(?!fa)|\bkaramell|\bdrc\b|\bt50\b|\bc-?\d{2,3}l?\b|\bspecial b\b", re.IGNORECASE)
"""Crystal and caramel malts, whose sugars balance bitterness. Carafa is a roasted malt."""
_OTHER = re.compile(
    r"\bpale\b|\bpils|\b[26]-?row\b|\btwo.row\b|\bmaris|\botter\b|\bgolden promise|\bpropino|\btipple|\boptic\b"
    r"|\bhalcyon|\bpearl\b|\bmunich|\bmünch|\bmuench|\bvienna|\bwiener|\blager\b|\bk[öo]lsch|\bmild\b|\bbase\b|\bmelano"
    r"|\bbrewer|\bdistill"
    r"|\bwheat|\bweizen|\brye\b|\broggen|\bspelt|\bdinkel|\bemmer|\beinkorn|\bgrano\b|\bsorghum|\bbuckwheat|\bmillet"
    r"|\bquinoa|\bmaize|\bcorn|\bgrits|\bpolenta|\bpopcorn|\brice\b|\bbarley|\bflaked|\btorrified|\bchit\b|\bdextrin"
    r"|\bamber|\bbrown|\bbiscuit|\bvictory|\bspecial|\baroma|\bhoney|\bchocolate|\bblack\b|\broast|\bpatent|\bcarafa"
    r"|\bblackprinz|\babbey"
    r"|\bsmoke|\bpeat|\brauch|\bacid|\bsauer|\bsour|\bextract\b|\bdme\b|\blme\b|\bddc\b|\bsugar|\bdextrose|\bglucose"
    r"|\bmaltodextrin|\bsucrose|\blactose|\bcandi|\bsyrup|\bmolasses|\btreacle|\bmus[ck]ovado|\bmus[ck]avado"
    r"|\bdemerara|\bturbinado|\bjaggery|\bagave|\bmaple|\bhusk|\bhull|\benzym|\btrienzyme|\bfruit|\bginger|\bcascara",
    re.IGNORECASE,
)
"""Words of other malts, grains, sugars and what else recipes list in the grist."""
_PHENOLIC = frozenset({Kind.BELGIAN, Kind.WHEAT, Kind.WILD})
"""Kinds that ferment beers of low bitterness."""
_NAN = float("nan")


@lru_cache(maxsize=1024)
def _malt(name: str) -> tuple[bool, bool, bool]:
    """Whether a name tells oats, a crystal malt, and anything at all."""
    oats, crystal = bool(_OAT.search(name)), bool(_CRYSTAL.search(name))
    return oats, crystal, oats or crystal or bool(_OTHER.search(name))


def is_known_malt(name: str) -> bool:
    """Whether a name tells if it is oats, a crystal malt or neither."""
    return _malt(name)[2]


def malt_shares(malts: Iterable[tuple[str, float]] | None) -> tuple[float, float]:
    """Compute the shares of oats and of crystal malts in the weight of the grist.

    Args:
        malts: Name and weight of each malt, all weights in one unit; None if unknown.

    Returns:
        Values of `app.domains.beer.inputs.MALT_INPUTS`, 0 to 1; NaN if the total weight is 0 or unknown.
    """
    total = oats = crystal = 0.0
    for name, weight in malts or ():
        is_oats, is_crystal, _ = _malt(name)
        total += weight
        oats += weight if is_oats else 0.0
        crystal += weight if is_crystal else 0.0
    return (oats / total, crystal / total) if total > 0 else (_NAN, _NAN)


def yeast_kinds(yeast: str | None) -> tuple[float, float]:
    """Tell whether a yeast is a clean American ale yeast, and whether it is phenolic.

    Args:
        yeast: Name or code; None if unknown.

    Returns:
        Values of `app.domains.beer.inputs.YEAST_INPUTS`, each 0 or 1; NaN if there is no yeast or nothing tells its
        kind.
    """
    if yeast is None or not (found := kinds(yeast)):
        return _NAN, _NAN
    return float(Kind.AMERICAN_ALE in found), float(bool(found & _PHENOLIC))
