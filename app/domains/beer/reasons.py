"""Reasons of an answer in the request's own words, in tenths that add up."""

from app.bundle.manifest import Manifest
from app.domains.beer.recipe import FIELDS
from app.domains.beer.schema import Contribution, Explanation
from app.models.manager import Reasons


def told(manifest: Manifest, reasons: Reasons, ibu: float) -> Explanation:
    """Reasons as the answer tells them.

    Args:
        manifest: Of the model that answered; has the groups.
        reasons: From the service.
        ibu: The answer, rounded to 0.1.

    Returns:
        Base value and contributions, largest first, each a multiple of 0.1; together they are `ibu`.
    """
    groups = manifest.explanation.groups if manifest.explanation else ()
    base = round(reasons.base_value * 10)
    shares = _tenths([value for _, value in reasons.contributions], round(ibu * 10) - base)
    contributions: list[Contribution] = [
        {"group": group.name, "inputs": list(dict.fromkeys(FIELDS[name] for name in group.inputs)), "ibu": share / 10}
        for group, share in zip(groups, shares, strict=True)
    ]
    contributions.sort(key=lambda contribution: -abs(contribution["ibu"]))
    return {"base_value": base / 10, "contributions": contributions}


def _tenths(values: list[float], total: int) -> list[int]:
    """Values in tenths that add up to a total: rounded down, and what is left goes to the largest remainders."""
    scaled = [value * 10 for value in values]
    floors = [int(value // 1) for value in scaled]
    order = sorted(range(len(values)), key=lambda number: floors[number] - scaled[number])
    for step in range(abs(total - sum(floors))):
        floors[order[step % len(order)]] += 1 if total > sum(floors) else -1
    return floors
