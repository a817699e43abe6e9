"""What a beer does not tell, and how much a model errs without it: what would narrow the answer most.

The figures are those of held-out beers in the manifest of the version, measured with the same parts withheld:
``metrics.values.missing`` is a list of ``{"fields": ["malts", "yeast"], "mae": 13.2}``, one for each set of parts.
"""

from collections.abc import Iterable

from app.bundle.manifest import Manifest
from app.domains.beer.answers import UntoldPart
from app.domains.beer.hop_condition import stated_alpha
from app.domains.beer.ingredients import Hop
from app.domains.beer.not_hops import is_no_hop
from app.domains.beer.schema import Beer
from app.domains.beer.varieties import find

COLOUR, PH, MALTS, YEAST, VARIETIES = "colour", "ph", "malts", "yeast", "varieties"
"""Parts of a beer that a request may leave out, as the manifest names them."""
BILL = "hops"
"""The hop bill. A model that reads it has no figure without it; that of another model takes its place."""
_WORDS = {
    COLOUR: ("colour", ("ebc", "srm"), "the colour"),
    PH: ("pH", ("ph",), "the pH"),
    MALTS: ("malts", ("malts",), "the malts"),
    YEAST: ("yeast", ("yeast",), "the yeast"),
    VARIETIES: ("hop varieties", ("hops",), "the varieties or alpha acids of the hops"),
    BILL: ("hop bill", ("hops",), "the hop bill"),
}
"""Display name, request fields and words for a sentence of each part."""


class HeldOutErrors:
    """The mean errors of a version on held-out beers that do not tell certain parts."""

    def __init__(self, manifest: Manifest) -> None:
        """Read the figures.

        Args:
            manifest: Manifest of the version; one without such figures has none.
        """
        patterns = manifest.metrics.values.get("missing")
        self._errors = {
            frozenset(map(str, fields)): float(mae)
            for pattern in (patterns if isinstance(patterns, list) else ())
            if isinstance(pattern, dict)
            and isinstance(fields := pattern.get("fields"), list)
            and isinstance(mae := pattern.get("mae"), int | float)
        }

    def without(self, parts: Iterable[str]) -> float | None:
        """Return the mean error in IBU without certain parts; None if it was not measured."""
        return self._errors.get(frozenset(parts))


def untold(beer: Beer) -> set[str]:
    """Find the parts that a beer does not tell, the hop bill left out.

    Args:
        beer: The beer.
    """
    parts = {COLOUR} if beer.ebc is None and beer.srm is None else set()
    if beer.ph is None:
        parts.add(PH)
    if beer.hops is not None:
        parts |= {part for part, told in ((MALTS, beer.malts), (YEAST, beer.yeast)) if not told}
        if not any(map(_is_told, _hops_of(beer.hops))):
            parts.add(VARIETIES)
    return parts


def worth_telling(beer: Beer, errors: HeldOutErrors, with_bill: HeldOutErrors | None = None) -> list[UntoldPart]:
    """List the missing parts that would lower the mean error if they were sent, the most useful first.

    Args:
        beer: The beer.
        errors: Errors of the version that answers it.
        with_bill: Errors of the version that would answer it with a hop bill; None if the beer has one.

    Returns:
        The parts; none for a beer that is complete or has no hops, and for a version without figures.
    """
    parts = untold(beer)
    now = errors.without(parts)
    if now is None or (beer.hops is not None and not _hops_of(beer.hops)):
        return []
    then = {part: errors.without(parts - {part}) for part in parts}
    if with_bill is not None:
        then[BILL] = with_bill.without(parts | {MALTS, YEAST})
    lower = sorted((round(error, 1), part) for part, error in then.items() if error is not None)
    return [_part(part, round(now, 1), error) for error, part in lower if error < round(now, 1)]


def _part(part: str, now: float, then: float) -> UntoldPart:
    group, inputs, words = _WORDS[part]
    text = f"With {words}, the mean error of held-out beers is {then:.1f} IBU in place of {now:.1f}."
    return {"group": group, "inputs": list(inputs), "mean_error": now, "mean_error_told": then, "text": text}


def _hops_of(entries: Iterable[Hop]) -> list[Hop]:
    """Return the entries that are hops."""
    return [entry for entry in entries if not is_no_hop(entry.name, stated_alpha(entry))]


def _is_told(hop: Hop) -> bool:
    """Whether the alpha acid of a hop is stated, or follows from its variety."""
    return stated_alpha(hop) is not None or find(hop.name) is not None
