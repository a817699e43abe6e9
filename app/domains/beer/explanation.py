"""Explanations in a response: contributions by request field, in tenths of an IBU that add up."""

from app.bundle.manifest import Manifest
from app.domains.beer.inputs import INPUTS
from app.domains.beer.schema import Contribution, Explanation
from app.models.loaded import Reasons


def explanation(manifest: Manifest, reasons: Reasons, ibu: float) -> Explanation:
    """Build the explanation of a prediction.

    Args:
        manifest: Manifest of the model, with the groups of inputs.
        reasons: Base value and contributions, IBU.
        ibu: The prediction, rounded to 0.1.

    Returns:
        Base value and contributions, largest first, each a multiple of 0.1 IBU; together they are `ibu`.
    """
    groups = manifest.explanation.groups if manifest.explanation else ()
    base = round(reasons.base_value * 10)
    shares = _tenths([value for _, value in reasons.contributions], round(ibu * 10) - base)
    contributions: list[Contribution] = [
        {
            "group": group.name,
            "inputs": list(dict.fromkeys(INPUTS[name].field for name in group.inputs)),
            "ibu": share / 10,
        }
        for group, share in zip(groups, shares, strict=True)
    ]
    contributions.sort(key=lambda contribution: -abs(contribution["ibu"]))
    return {"base_value": base / 10, "contributions": contributions}


def _tenths(values: list[float], total: int) -> list[int]:
    """Round values to tenths that add up to a total: round down, then distribute the rest by largest remainder."""
    scaled = [value * 10 for value in values]
    floors = [int(value // 1) for value in scaled]
    order = sorted(range(len(values)), key=lambda index: floors[index] - scaled[index])
    missing = total - sum(floors)
    each, rest = divmod(abs(missing), max(1, len(order)))
    for place, index in enumerate(order):
        steps = each + (place < rest)
        floors[index] += steps if missing > 0 else -steps
    return floors
