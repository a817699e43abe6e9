"""Warnings about quantities in the wrong unit: out of what recipes have, by a factor that a unit explains.

The ranges are those of the training recipes (256 of BrewDog's catalogue), a little widened; docs/beer.md states how
often they raise a false alarm. A warning needs both: a value outside, and one unit that brings it back inside.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import log
from typing import NamedTuple

from app.domains.api import Warning
from app.domains.beer.hop_bill import CONE_ALPHA, EXTRACT_ALPHA, Addition
from app.domains.beer.ingredients import Hop
from app.domains.beer.schema import VOLUMES, Beer
from app.domains.beer.stages import Stage
from app.domains.beer.units import points
from app.domains.beer.varieties import find
from app.domains.quantities import Measured, sent_as

CODE = "unit_suspected"
OUNCE, POUND = 28.35, 453.6
"""Grams."""
GALLON, IMPERIAL_GALLON, BARREL = 3.785, 4.546, 117.3
"""Litres: the gallon and the beer barrel of the USA, and the British gallon."""


class Range(NamedTuple):
    """Values that recipes have."""

    low: float
    high: float
    typical: float

    def explained(self, value: float, factors: Mapping[str, float]) -> str | None:
        """Find the unit that brings a value into the range; of several, the one that brings it nearest to typical.

        Args:
            value: A positive value outside the range.
            factors: What the value has to be multiplied by, by unit.
        """
        fitting = {unit: value * factor for unit, factor in factors.items() if self.low <= value * factor <= self.high}
        return min(fitting, key=lambda unit: abs(log(fitting[unit] / self.typical)), default=None)


HOPS = Range(0.3, 40.0, 6.0)
"""Weight of all hops, g/l of beer."""
LARGEST_HOP = Range(0.25, 25.0, 2.0)
"""Weight of the largest addition, g/l of beer."""
EXTRACT = Range(125.0, 390.0, 225.0)
"""Extract of the grist, points times litres per kilogram. Pure sugar yields 384."""
WEAK, STRONG = 10.0, 80.0
"""Gravities, points above water: the grist of a weaker wort says nothing; that of a stronger one is not washed out."""
STRONG_EXTRACT = Range(105.0, 390.0, 180.0)
"""Extract of the grist of a strong wort, like `EXTRACT`."""
BOIL = Range(0.45, 2.5, 1.25)
"""Volume before the boil over volume after it."""
HEAVIEST_MALT = 5.0
"""Weight of a single malt, kg/l, that only grams explain."""
LARGE_BATCH = 1000.0
"""Volume, l, from which a batch with hardly any hops is rather one in millilitres."""
VOLUME_IN_ML = "batch_volume_l in millilitres"
ABSURD = 1e9
"""Value from which no unit explains anything."""
HOURS = 2.5
"""A longest boil of at most so many minutes is one in hours, if it is the only bittering."""
FRACTION = 0.35
"""An alpha acid up to this, %, is a fraction, if 100 times as much is usual for the hop."""
CONE_RANGE = (2.0, 25.0)
"""Alpha acid of cones, %, for a variety that is not known."""

_UNITS = {
    "amount_g": "grams",
    "amount_oz": "ounces",
    "amount_kg": "kilograms",
    "amount_lb": "pounds",
    "batch_volume_l": "litres",
    "batch_volume_gal": "US gallons",
}
"""The unit of a field, by its name."""
_BITTERING = {Stage.MASH, Stage.FIRST_WORT, Stage.START, Stage.MIDDLE}
_LIGHT_HOPS = {"ounces": OUNCE, "pounds": POUND}
_HEAVY_HOPS = {"milligrams": 0.001, "grams that were multiplied by 28.35 as if they were ounces": 1 / OUNCE}
_LARGE_VOLUMES = {
    "batch_volume_l in US gallons": 1 / GALLON,
    "batch_volume_l in British gallons": 1 / IMPERIAL_GALLON,
    "batch_volume_l in hectolitres": 0.01,
}
_LITTLE_EXTRACT = {
    "batch_volume_l in US gallons": GALLON,
    "batch_volume_l in British gallons": IMPERIAL_GALLON,
    "batch_volume_l in US gallons and malts in pounds": GALLON * 1000 / POUND,
    "batch_volume_l in hectolitres": 100.0,
    "batch_volume_l in US barrels": BARREL,
    "malts in pounds": 1000 / POUND,
    "malts in ounces": 1000 / OUNCE,
    "malts in grams": 1000.0,
}
_MUCH_EXTRACT = {VOLUME_IN_ML: 0.001, "malts in tonnes": 0.001}
_OUNCES_IN_GRAMS = {"amount_oz in grams": 1 / OUNCE}
_POUNDS_IN_KILOGRAMS = {"malts in kilograms": POUND / 1000}
_GALLONS_IN_LITRES = "batch_volume_gal in litres"


def unit_warnings(beer: Beer, hops: Sequence[tuple[int, Hop]], additions: Sequence[Addition]) -> list[Warning]:
    """Check the units of a recipe.

    Args:
        beer: A beer without contradictions.
        hops: Its hops, each with its place in the request.
        additions: The same hops, resolved.

    Returns:
        At most one warning for each quantity.
    """
    of_hops = [*_alpha_acids(hops), *_boil_minutes(hops)]
    per_litre = [*_hop_weights(beer, hops, additions), *_grist(beer), *_boil_volume(beer)]
    if per_litre and VOLUMES.isdisjoint(beer.model_fields_set):
        for warning in per_litre:
            warning["message"] += f" batch_volume_l was not sent: {figure(beer.batch_volume_l)} l is assumed."
    return of_hops + per_litre


def _alpha_acids(hops: Iterable[tuple[int, Hop]]) -> Iterator[Warning]:
    for index, hop in hops:
        name, alpha = "alpha_acid", hop.alpha_acid
        if alpha is None:
            name, alpha = "alpha_acid_high", hop.alpha_acid_high
        if alpha and alpha <= FRACTION:
            variety = find(hop.name)
            low, high = (variety.alpha_low, variety.alpha_high) if variety else CONE_RANGE
            if low / 2 <= 100 * alpha <= high * 1.5 and alpha < low / 2:
                known = f"{variety.name} has" if variety else "hops have"
                yield _warning(
                    f"{name} is {figure(alpha)} %; {known} {low:g} to {high:g} %. It is in percent: as a "
                    f"fraction, {figure(alpha)} is {figure(100 * alpha)} %.",
                    f"hops.{index}.{name}",
                )


def _boil_minutes(hops: Sequence[tuple[int, Hop]]) -> Iterator[Warning]:
    boiled = [(hop.boil_minutes, index) for index, hop in hops if hop.boil_minutes]
    longest, index = max(boiled, default=(0.0, 0))
    if 0.5 <= longest <= HOURS and not any(hop.stage in _BITTERING for _, hop in hops):
        yield _warning(
            f"The longest boil is {figure(longest)} min; recipes boil their first hops for 20 to 90 min. If hours were "
            f"sent, it is {figure(60 * longest)} min.",
            f"hops.{index}.boil_minutes",
        )


def _hop_weights(beer: Beer, hops: Sequence[tuple[int, Hop]], additions: Sequence[Addition]) -> Iterator[Warning]:
    litres = beer.batch_volume_l
    weights = [a.grams * (a.alpha / CONE_ALPHA if a.alpha >= EXTRACT_ALPHA else 1.0) / litres for a in additions]
    total, largest = sum(weights), max(weights, default=0.0)
    if not 0.0 < total < ABSURD or (largest >= LARGEST_HOP.low and total <= HOPS.high and largest <= LARGEST_HOP.high):
        return
    weight, volume = _sent_in((hop for _, hop in hops), "amount_g"), sent_as(beer, "batch_volume_l")
    if largest < LARGEST_HOP.low:
        units = _LIGHT_HOPS | ({VOLUME_IN_ML: 1000.0} if litres >= LARGE_BATCH else {"kilograms": 1000.0})
        units = _sent_units(units, {}, weight)
        if volume == "batch_volume_gal":
            units = {_GALLONS_IN_LITRES: GALLON, **{unit: units[unit] for unit in units if unit != VOLUME_IN_ML}}
        unit = LARGEST_HOP.explained(largest, units)
    else:
        units = _sent_units(_HEAVY_HOPS, _OUNCES_IN_GRAMS, weight) | _sent_units(_LARGE_VOLUMES, {}, volume)
        unit = HOPS.explained(total, units)
    if unit:
        sent = f"The hops weigh {figure(total * litres)} g in all, {figure(total)} g/l in {figure(litres)} l"
        usual = f"recipes have {HOPS.low:g} to {HOPS.high:g} g/l"
        field = volume if unit.startswith("batch_volume") else f"hops.{hops[0][0]}.{sent_as(hops[0][1], 'amount_g')}"
        fitting = f"{unit} would fit: {figure(total * units[unit])} g/l"
        named = f"{weight} is in {_UNITS[weight]} and {volume} in {_UNITS[volume]}"
        yield _warning(f"{sent}; {usual}. {named}; {fitting}.", field)


def _grist(beer: Beer) -> Iterator[Warning]:
    malts, litres = beer.malts or [], beer.batch_volume_l
    kilograms, excess = sum(malt.amount_kg for malt in malts), points(beer.target_og) - 1000.0
    if excess < WEAK or not 0.0 < kilograms < ABSURD:
        return
    expected = STRONG_EXTRACT if excess >= STRONG else EXTRACT
    extract = excess * litres / kilograms
    if expected.low <= extract <= expected.high:
        return
    low, high = (figure(excess * litres / bound) for bound in (expected.high, expected.low))
    sent = f"The malts weigh {figure(kilograms)} kg in all"
    usual = f"recipes have {low} to {high} kg for {figure(litres)} l of {figure(1000 + excess)} points"
    weight, volume = _sent_in(malts, "amount_kg"), sent_as(beer, "batch_volume_l")
    in_kg = weight == "amount_kg"
    heavy = [index for index, malt in enumerate(malts) if in_kg and malt.amount_kg / litres > HEAVIEST_MALT]
    in_grams = kilograms - 0.999 * sum(malts[index].amount_kg for index in heavy)
    if heavy and expected.low <= excess * litres / in_grams <= expected.high:
        text = f"amount_kg is in kilograms; grams would fit: {figure(in_grams)} kg."
        yield _warning(f"{sent}; {usual}. {text}", f"malts.{heavy[0]}.amount_kg")
    elif unit := expected.explained(extract, _extract_units(extract < expected.low, weight, volume)):
        field = volume if unit.startswith("batch_volume") else f"malts.0.{sent_as(malts[0], 'amount_kg')}"
        text = f"Weights are in {_UNITS[weight]} and volumes in {_UNITS[volume]}; {unit} would fit."
        yield _warning(f"{sent}; {usual}. {text}", field)


def _boil_volume(beer: Beer) -> Iterator[Warning]:
    if beer.boil_volume_l is None:
        return
    ratio = beer.boil_volume_l / beer.batch_volume_l
    if BOIL.low <= ratio <= BOIL.high or not 0.0 < ratio < ABSURD:
        return
    if any(sent_as(beer, name) != name for name in ("boil_volume_l", "batch_volume_l")):
        return  # two units, each by its name
    factor, field = (GALLON, "boil_volume_l") if ratio < BOIL.low else (1 / GALLON, "batch_volume_l")
    if BOIL.explained(ratio, {"gallons": factor}):
        sent = f"boil_volume_l is {figure(beer.boil_volume_l)} and batch_volume_l {figure(beer.batch_volume_l)}"
        yield _warning(
            f"{sent}; recipes boil 1 to 1.5 times the batch. Volumes are in litres; {field} in gallons would fit.",
            field,
        )


def _sent_in(parts: Iterable[Measured], field: str) -> str:
    """The field of the other unit if any part was sent in it, so that no slip of the usual one is suspected."""
    return next((name for part in parts if (name := sent_as(part, field)) != field), field)


def _sent_units(usual: Mapping[str, float], other: Mapping[str, float], sent: str) -> dict[str, float]:
    """The slips to look for, by the field that was sent."""
    return dict(other if sent in ("amount_oz", "batch_volume_gal") else usual)


def _extract_units(is_little: bool, weight: str, volume: str) -> dict[str, float]:
    """The slips that explain an extract that is too little or too much, by the fields that were sent."""
    units = {
        unit: factor
        for unit, factor in (_LITTLE_EXTRACT if is_little else _MUCH_EXTRACT).items()
        if not (
            ("batch_volume_l" in unit and volume != "batch_volume_l") or ("malts" in unit and weight != "amount_kg")
        )
    }
    if not is_little:
        units |= _POUNDS_IN_KILOGRAMS if weight == "amount_lb" else {}
        units |= {_GALLONS_IN_LITRES: 1 / GALLON} if volume == "batch_volume_gal" else {}
    return units


def figure(value: float) -> str:
    """Write a number for a sentence: three digits if it is small, up to two decimal places if not."""
    if abs(value) < 1.0:
        return f"{value:.3g}"
    return f"{value:.{2 if abs(value) < 100.0 else 1}f}".rstrip("0").rstrip(".")


def _warning(message: str, field: str) -> Warning:
    return {"code": CODE, "message": message, "field": field}
