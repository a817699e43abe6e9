"""What a request says of hops beyond variety, weight, alpha acid and time: form, stand, range of alpha acid, age.

Each enters the physical estimate. The model was trained on none of them: it takes hops at their effective alpha acid,
and those of a stand as any of the whirlpool. How far this may be wrong is the range from `low` to `high`: the interval
covers what the model answers at both ends.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from app.domains.api import Warning
from app.domains.beer.answers import Assumption
from app.domains.beer.hop_bill import CONE_ALPHA, EXTRACT_ALPHA, Addition
from app.domains.beer.hop_forms import CONE_EXTRACTED, CRYO_CONCENTRATION, EXTRACT_NAME, HopForm
from app.domains.beer.hop_storage import FRIDGE, LOSS, LOSS_HIGH, MEASURED_AT, HopPackaging, share_left
from app.domains.beer.ingredients import Hop
from app.domains.beer.physical import after
from app.domains.beer.stages import Stage
from app.domains.beer.stands import COOLING, STAND_END, STAND_MINUTES, Stand
from app.domains.beer.unit_slips import figure
from app.domains.beer.varieties import Variety, find
from app.domains.quantities import sent_as
from app.errors import Problem

CODE = "unknown_to_model"
"""Code of the warning that a hop has something that the model was not trained on."""
FIELDS = frozenset(
    {
        "form",
        "alpha_acid_low",
        "alpha_acid_high",
        "temperature_c",
        "temperature_f",
        "stand_minutes",
        "age_months",
    }
)
"""Fields of a hop that this module reads; the others about storage count with `age_months` only."""
_STAND_FIELDS = ("temperature_c", "stand_minutes")


@dataclass(frozen=True, slots=True)
class Condition:
    """An addition with what is known of the hops.

    Attributes:
        addition: The addition at its effective alpha acid.
        low: The same at the least alpha acid that the model may have to count.
        high: The same at the most.
        warning: Warning about what the model does not know; None if it knows all that counts.
    """

    addition: Addition
    low: Addition
    high: Addition
    warning: Warning | None


def problems_of_hop(hop: Hop, field: str) -> Iterator[Problem]:
    """Find contradictions within a hop that has passed the schema.

    Args:
        hop: The hop.
        field: Its path in the request.
    """
    if hop.stage is not Stage.WHIRLPOOL and hop.boil_minutes != 0.0:
        for name in _STAND_FIELDS:
            if getattr(hop, name) is not None:
                reason = "is of a whirlpool or hop stand: give it with the stage whirlpool or with boil_minutes 0"
                yield Problem(f"{field}.{sent_as(hop, name)}", "only_in_stand", reason)
    low, high = hop.alpha_acid_low, hop.alpha_acid_high
    if low is None and high is None:
        return
    if low is None or high is None:
        missing = "alpha_acid_high" if high is None else "alpha_acid_low"
        yield Problem(
            f"{field}.{missing}", "alpha_range", "is required: give alpha_acid_low and alpha_acid_high together"
        )
    elif low > high:
        yield Problem(f"{field}.alpha_acid_low", "alpha_range", "is above alpha_acid_high")
    elif hop.alpha_acid is not None and not low <= hop.alpha_acid <= high:
        yield Problem(f"{field}.alpha_acid", "alpha_range", "is not within alpha_acid_low and alpha_acid_high")


def stated_alpha(hop: Hop) -> float | None:
    """Return the alpha acid that a hop states, %: its figure, or the mean of its range; None if it states none."""
    if hop.alpha_acid is None and hop.alpha_acid_low is not None and hop.alpha_acid_high is not None:
        return (hop.alpha_acid_low + hop.alpha_acid_high) / 2.0
    return hop.alpha_acid


def typical_of_form(hop: Hop, variety: Variety) -> tuple[float, str]:
    """Return the alpha acid of a variety in a form, %, and the reason for it.

    Args:
        hop: A hop that states no alpha acid.
        variety: Its variety.
    """
    if hop.form is HopForm.CRYO and variety.alpha_typical < EXTRACT_ALPHA:
        return CRYO_CONCENTRATION * variety.alpha_typical, f"twice what is typical of {variety.name}, as cryo hops have"
    if hop.form is HopForm.EXTRACT and variety.alpha_typical < EXTRACT_ALPHA:
        extract = find(f"{variety.name} CO2 Extract") or find(EXTRACT_NAME) or variety
        return extract.alpha_typical, f"typical of {extract.name}"
    return variety.alpha_typical, f"typical of {variety.name}"


def unknown_of_form(form: HopForm | None, alpha: float) -> float:
    """Return the alpha acid of an unknown variety in a form, %.

    Args:
        form: The form; None if it is not known.
        alpha: What an unknown variety is assumed to have in cones and pellets.
    """
    if form is HopForm.CRYO:
        return CRYO_CONCENTRATION * alpha
    extract = find(EXTRACT_NAME) if form is HopForm.EXTRACT else None
    return extract.alpha_typical if extract else alpha


def condition(hop: Hop, addition: Addition, field: str, assumed: list[Assumption]) -> Condition:
    """Apply to an addition what a request says of its hops.

    Args:
        hop: The hop, without contradictions.
        addition: The addition at the alpha acid of fresh pellets.
        field: Path of the hop in the request.
        assumed: Takes what the request does not say and counts.
    """
    alpha = addition.alpha
    low, high = alpha, alpha
    said = []
    if hop.alpha_acid_low is not None and hop.alpha_acid_high is not None:
        low, high = hop.alpha_acid_low, hop.alpha_acid_high
        said.append("the range of alpha acid")
    left, least = _storage(hop, field, addition.alpha, assumed)
    if hop.age_months is not None:
        alpha, low = alpha * left, low * least
        said.append("age")
    changes = replace(addition, alpha=alpha)
    if hop.form is not None:
        extracted, cones = _of_form(hop.form, addition.alpha)
        changes = replace(changes, extracted=extracted, cones=cones)
        low *= changes.extracted
        if hop.form is not _taken_without_form(addition.alpha):
            said.append("form")
    if hop.temperature_c is not None or hop.stand_minutes is not None:
        stand = _stand(hop, field, assumed)
        changes = replace(changes, stand=stand)
        ratio = _isomerised(stand.minutes, stand.rates) / _isomerised(STAND_MINUTES, COOLING)
        low, high = low * min(ratio, 1.0), high * max(ratio, 1.0)
        said.append("temperature and time of the stand")
    low, high = min(low, alpha), max(high, alpha)
    warning = _warning(hop, field, said, alpha, low, high) if said else None
    return Condition(changes, replace(changes, alpha=low), replace(changes, alpha=high), warning)


def _taken_without_form(alpha: float) -> HopForm:
    """The form in which training took hops of an alpha acid, %: its recipes state none, and list extracts as well."""
    return HopForm.EXTRACT if alpha >= EXTRACT_ALPHA else HopForm.PELLET


def _of_form(form: HopForm, alpha: float) -> tuple[float, float]:
    """`extracted` and `cones` of an addition in a form."""
    if form is HopForm.CONE:
        return CONE_EXTRACTED, 1.0
    if form is HopForm.EXTRACT:
        return 1.0, alpha / CONE_ALPHA
    return 1.0, CRYO_CONCENTRATION if form is HopForm.CRYO else 1.0


def _storage(hop: Hop, field: str, alpha: float, assumed: list[Assumption]) -> tuple[float, float]:
    """The share of the alpha acid that is left of a hop with an age, and the least that may be."""
    months = hop.age_months
    if months is None:
        return 1.0, 1.0
    loss, celsius, packaging = hop.alpha_loss, hop.storage_temperature_c, hop.packaging
    if loss is None:
        assumed.append(_assumption(f"{field}.alpha_loss", LOSS, "%", "the median of 54 varieties"))
    if celsius is None:
        assumed.append(_assumption(f"{field}.storage_temperature_c", FRIDGE, "degrees Celsius", "a refrigerator"))
    left = share_left(
        months,
        LOSS if loss is None else loss,
        FRIDGE if celsius is None else celsius,
        packaging or HopPackaging.AIRTIGHT,
    )
    least = share_left(
        months,
        LOSS_HIGH if loss is None else loss,
        MEASURED_AT if celsius is None else celsius,
        packaging or HopPackaging.OPEN,
    )
    airtight = "" if packaging else ", if the packaging is airtight"
    reason = f"{figure(alpha)} % less {figure(100.0 * (1.0 - left))} % of it, lost in {figure(months)} months{airtight}"
    assumed.append(_assumption(f"{field}.alpha_acid", round(alpha * left, 2), "%", reason))
    return left, least


def _stand(hop: Hop, field: str, assumed: list[Assumption]) -> Stand:
    minutes, celsius = hop.stand_minutes, hop.temperature_c
    if minutes is None:
        assumed.append(_assumption(f"{field}.stand_minutes", STAND_MINUTES, "min", "a usual stand"))
        minutes = STAND_MINUTES
    if celsius is None:
        reason = "the wort cools steadily from the boil to this temperature"
        assumed.append(_assumption(f"{field}.temperature_c", STAND_END, "degrees Celsius", reason))
    return Stand(minutes, celsius)


def _isomerised(minutes: float, at: tuple[float, float]) -> float:
    """Share of dissolved alpha acid that is iso-alpha acid after a stand."""
    return after(1.0, 0.0, minutes, at)[1]


def _assumption(field: str, value: float, unit: str, reason: str) -> Assumption:
    return {"field": field, "value": value, "unit": unit, "reason": reason}


def _warning(hop: Hop, field: str, said: Sequence[str], alpha: float, low: float, high: float) -> Warning:
    what = said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"
    taken = f"{figure(alpha)} % alpha acid"
    if hop.temperature_c is not None or hop.stand_minutes is not None:
        taken += ", like any hops of the whirlpool"
    wider = f"; the interval covers {figure(low)} to {figure(high)} %" if low < high else ""
    return {
        "code": CODE,
        "message": f"The model was not trained on what is sent of {hop.name} ({what}). It takes {taken}{wider}.",
        "field": field,
    }
