"""Explanations in a response: contributions by request field, in tenths of an IBU that add up."""

from app.bundle.manifest import Group, Manifest
from app.domains.beer.answers import Contribution, Explanation
from app.domains.beer.inputs import EBC, INPUTS, SRM
from app.domains.beer.schema import Beer
from app.models.loaded import Reasons


def explanation(manifest: Manifest, reasons: Reasons, ibu: float, beer: Beer) -> Explanation:
    """Build the explanation of a prediction.

    Args:
        manifest: Manifest of the model, with the groups of inputs.
        reasons: Base value and contributions, IBU.
        ibu: The prediction, rounded to 0.1.
        beer: The beer, which states some of the inputs.

    Returns:
        Base value and contributions, largest first, each a multiple of 0.1 IBU; together they are `ibu`.
    """
    groups = manifest.explanation.groups if manifest.explanation else ()
    base = round(reasons.base_value * 10)
    shares = _tenths([value for _, value in reasons.contributions], round(ibu * 10) - base)
    contributions = [_contribution(group, share / 10, beer) for group, share in zip(groups, shares, strict=True)]
    contributions.sort(key=lambda contribution: -abs(contribution["ibu"]))
    return {"base_value": base / 10, "contributions": contributions}


def _contribution(group: Group, ibu: float, beer: Beer) -> Contribution:
    fields = list(dict.fromkeys(INPUTS[name].field for name in group.inputs))
    assumed = [field for field in fields if getattr(beer, field) is None]
    if len(assumed) < len(fields) and set(fields) == _COLOURS:  # one colour follows from the other
        assumed = []
    typical = f"with the {group.name} of a typical beer"
    text = f"{abs(ibu):.1f} IBU {'more' if ibu > 0 else 'less'} than {typical}" if ibu else f"The same as {typical}"
    if len(assumed) == len(fields):
        text = f"No {' or '.join(fields)} sent: {text[0].lower()}{text[1:]}"
    elif assumed:
        text += f"; no {' or '.join(assumed)} sent"
    return {"group": group.name, "inputs": fields, "assumed": assumed, "ibu": ibu, "text": f"{text}."}


_COLOURS = {EBC.field, SRM.field}


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
