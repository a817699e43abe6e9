"""Which additions of a question move, from what weights, within what bounds, and how the answer states weights."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor, inf, isnan

import numpy as np
from pydantic import JsonValue

from app.domains.beer.hop_bill import DRY
from app.domains.beer.ingredients import Hop
from app.domains.beer.recipe import ResolvedBill, problems, resolve
from app.domains.beer.reference import problems_of_reference
from app.domains.beer.schema import Beer
from app.domains.beer.solving.curve import Values
from app.domains.beer.solving.schema import Question, UnweighedHop
from app.domains.beer.stages import Stage
from app.domains.beer.units import GRAMS_PER_OUNCE
from app.domains.quantities import sent_as
from app.errors import InputError, Problem

MAX_GRAMS_PER_LITRE = 20.0
"""Weight of all additions that move, g per litre of beer, up to which they go without bounds: no recipe has more."""
UTMOST_GRAMS_PER_LITRE = 1000.0
"""The same with bounds: as much hops as beer. Above, inputs of the model end."""
STEPS = ((10.0, 0.5, 0.05), (1.0, 0.1, 0.01), (0.1, 0.01, 0.001), (0.0, 0.0, 0.0))
"""Steps to which weights are rounded if a question states none, by the least volume, l: in grams and in ounces. In 1 l,
half a gram of strong hops means 15 IBU. 0 does not round."""
_BOILED = frozenset({Stage.FIRST_WORT, Stage.START, Stage.MIDDLE, Stage.END})
LEAST_LITRES = 0.001
"""Least volume that can be asked about, l: less takes hops of which a weight states nothing."""
LEAST_GRAMS = 1e-6
"""Weight in grams below which additions have none: the last decimal that an answer states."""
_DECIMALS = 6


@dataclass(frozen=True, slots=True)
class Moving:
    """The additions of a beer that move, along a line: their weights at factor 1, times a factor.

    Attributes:
        beer: The beer at factor 1.
        bill: Its resolved bill.
        indexes: Indexes of the additions in the beer's hops.
        places: Indexes of the additions in `bill.additions`.
        weights: Their weights at factor 1, g, shape (n,).
        low: Least factor.
        high: Greatest factor.
        bounds: Least and greatest weight of each addition, g.
        unit: Weight in grams of the unit in which the answer states weights.
        step: Step to which these are rounded, in this unit.
    """

    beer: Beer
    bill: ResolvedBill
    indexes: list[int]
    places: list[int]
    weights: Values
    low: float
    high: float
    bounds: tuple[float, float]
    unit: float
    step: float

    @property
    def total(self) -> float:
        """Weight of all of them at factor 1, g."""
        return float(self.weights.sum())

    def all_weights(self, weights: Values) -> Values:
        """Return the weights of all additions of the bill.

        Args:
            weights: Weights of those that move, g, shape (n, n_moving).

        Returns:
            Shape (n, n_additions), g.
        """
        result = np.tile([addition.grams for addition in self.bill.additions], (len(weights), 1))
        result[:, self.places] = weights
        return result

    def rounded(self, weights: Values, effects: Values) -> Values:
        """Round weights to steps so that what one is rounded by is made up for by the next.

        Additions of little effect come first, and the others follow from the strongest to the weakest of them: what is
        left over is half a step of that one.

        Args:
            weights: Weights within the bounds, g, shape (n,).
            effects: Bitterness that one gram of each adds, shape (n,).

        Returns:
            Weights in the unit of the answer, shape (n,).
        """
        result = np.zeros(len(weights))
        strong = effects >= 0.2 * effects.max()
        left = 0.0  # bitterness that the additions so far lack
        for index in sorted(range(len(weights)), key=lambda index: (strong[index], -effects[index])):
            gives = strong[index] and effects[index] > 0.0
            wanted = weights[index] + (left / effects[index] if gives else 0.0)
            result[index] = self._step(float(wanted))
            left += (weights[index] - result[index] * self.unit) * effects[index]
        return result

    def neighbours(self, rounded: Values) -> Values:
        """Return the weights with which one addition has a step more or less, where the bounds allow it.

        Args:
            rounded: Weights in the unit of the answer, shape (n,).

        Returns:
            Weights in the unit of the answer, shape (m, n).
        """
        found = []
        for index, weight in enumerate(rounded.tolist()):
            for step in -self.step, self.step:
                other = rounded.copy()
                other[index] = self._step((weight + step) * self.unit)
                if other[index] != weight:
                    found.append(other)
        return np.array(found).reshape(len(found), len(rounded))

    def _step(self, weight: float) -> float:
        """Round a weight in grams to a step within the bounds, in the unit of the answer."""
        low, high = (bound / self.unit for bound in self.bounds)
        inside = min(max(weight / self.unit, low), high)
        if self.step == 0.0:
            return round(inside, _DECIMALS)
        steps = round(inside / self.step)
        if steps * self.step > high + 1e-9:
            steps = floor(high / self.step + 1e-9)
        if steps * self.step < low - 1e-9:
            steps = ceil(low / self.step - 1e-9)
        return inside if steps * self.step > high + 1e-9 else round(steps * self.step, _DECIMALS)

    def hops(self, weights: Values) -> list[dict[str, JsonValue]]:
        """Return the hop bill as a request states it.

        Args:
            weights: Weights of the additions that move, in the unit of the answer.
        """
        moved = dict(zip(self.indexes, weights.tolist(), strict=True))
        unit = "amount_g" if self.unit == 1.0 else "amount_oz"
        result = []
        for index, hop in enumerate(self.beer.hops or ()):
            name, weight, *rest = _as_sent(hop)
            result.append(dict([name, (unit, moved[index]) if index in moved else weight, *rest]))
        return result


def moving(question: Question) -> Moving:
    """Find what moves.

    Args:
        question: The question.

    Raises:
        InputError: If the beer contradicts itself, or the question cannot be asked of it.
    """
    beer = question.beer
    found = [*problems(beer, "beer."), *_of_move(question)]
    found += [replace(problem, field=f"beer.{problem.field}") for problem in problems_of_reference(beer.reference)]
    if found:
        raise InputError(found)
    unweighed = with_weights(beer, {})
    bill = resolve(unweighed, unweighed.hops or [])
    indexes = _indexes(question, bill)
    weights = _weights(beer.hops, indexes)
    low, high, bounds = _range(question, weights)
    weighed = with_weights(beer, dict(zip(indexes, weights.tolist(), strict=True)))
    is_in_ounces = _is_in_ounces(question, indexes)
    unit = GRAMS_PER_OUNCE if is_in_ounces else 1.0
    default = default_step(beer, is_in_ounces)
    return Moving(
        weighed,
        resolve(weighed, weighed.hops or []),
        indexes,
        [bill.positions.index(index) for index in indexes],
        weights,
        low,
        high,
        bounds,
        unit,
        default if question.step_g is None else round(question.step_g / unit, 9),
    )


def default_step(beer: Beer, is_in_ounces: bool) -> float:
    """Return the step to which weights are rounded if a question states none, in ounces or in grams."""
    return next(steps[is_in_ounces] for litres, *steps in STEPS if beer.batch_volume_l >= litres)


def beer_with(beer: Beer, hops: Sequence[Hop]) -> Beer:
    """Return a beer with other hops; its values have been validated."""
    return Beer.model_construct(beer.model_fields_set, **{**beer.__dict__, "hops": list(hops)})


def _as_sent(hop: Hop) -> Iterator[tuple[str, JsonValue]]:
    """Return the fields of a hop with their values, in the units in which they were sent: name, weight, others."""
    by_field = {quantity.field: quantity for quantity in hop.quantities}
    for field, value in hop.model_dump(mode="json", exclude_none=True).items():
        name = sent_as(hop, field)
        if name != field:  # the units of weights and temperatures differ by a zero and a scale
            zero, one = (by_field[field].convert(other) for other in (0.0, 1.0))
            value = round((value - zero) / (one - zero), 9)
        yield name, value


def with_weights(beer: Beer, weights: Mapping[int, float]) -> Beer:
    """Return a beer with other weights of some additions.

    Args:
        beer: The beer. Hops without a weight that are not among them get 0 g.
        weights: Weights by index of the addition, g.
    """
    hops = []
    for index, hop in enumerate(beer.hops or ()):
        grams = weights.get(index, hop.amount_g)
        values = {**hop.__dict__, "amount_g": 0.0 if isnan(grams) else grams}
        hops.append(Hop.model_construct(hop.model_fields_set, **values))
    return beer_with(beer, hops)


def _of_move(question: Question) -> list[Problem]:
    found, known = [], set()
    if question.beer.batch_volume_l < LEAST_LITRES:
        field = f"beer.{sent_as(question.beer, 'batch_volume_l')}"
        found.append(Problem(field, "too_small", f"is below {LEAST_LITRES} l: too little beer to weigh hops for"))
    for place, index in enumerate(question.move or ()):
        if index >= len(question.beer.hops):
            found.append(Problem(f"move.{place}", "unknown_addition", "is no index of the beer's hops"))
        elif index in known:
            found.append(Problem(f"move.{place}", "repeated", "is given more than once"))
        known.add(index)
    return found


def _indexes(question: Question, bill: ResolvedBill) -> list[int]:
    """Indexes of the additions that move.

    Raises:
        InputError: If there is none, one is no hop, or one that does not move has no weight.
    """
    hops = question.beer.hops
    unweighed = [index for index, hop in enumerate(hops) if isnan(hop.amount_g)]
    is_dry = {index: bill.additions[place].time == DRY for place, index in enumerate(bill.positions)}
    if question.move is not None:
        indexes = list(question.move)
    else:
        indexes = [index for index in unweighed if not is_dry.get(index, False)]
        if not indexes:
            indexes = [index for index in bill.positions if _is_boiled(hops[index])]
    found = [
        Problem(f"beer.hops.{index}.name", "not_a_hop", "is no hop; if it is one, send its alpha_acid")
        for index in indexes
        if index not in is_dry
    ]
    reason = "is required, here or as amount_oz: this addition does not move"
    found += [Problem(f"beer.hops.{i}.amount_g", "missing", reason) for i in unweighed if i not in indexes]
    if not indexes:
        reason = "no addition is boiled; name those whose weights may change in move"
        found.append(Problem("beer.hops", "nothing_moves", reason))
    if found:
        raise InputError(found)
    return indexes


def _is_boiled(hop: UnweighedHop) -> bool:
    return hop.stage in _BOILED if hop.stage is not None else bool(hop.boil_minutes)


def _weights(hops: Sequence[UnweighedHop], indexes: Sequence[int]) -> Values:
    """Weights at factor 1: those of the beer, or 1 g each if none reaches `LEAST_GRAMS`.

    Raises:
        InputError: If some have a weight, and others have not.
    """
    weights = np.array([hops[index].amount_g for index in indexes])
    if not np.nansum(weights) >= LEAST_GRAMS:
        return np.ones(len(indexes))
    reason = "the additions that move keep their ratio: give all of them a weight, or none"
    found = [
        Problem(f"beer.hops.{index}.amount_g", "missing", reason) for index in indexes if isnan(hops[index].amount_g)
    ]
    if found:
        raise InputError(found)
    return weights


def _range(question: Question, weights: Values) -> tuple[float, float, tuple[float, float]]:
    """Least and greatest factor, and bounds of each weight.

    Raises:
        InputError: If no factor is within the bounds.
    """
    litres, total = question.beer.batch_volume_l, float(weights.sum())
    least = question.lower_g or 0.0
    most = UTMOST_GRAMS_PER_LITRE * litres if question.upper_g is None else question.upper_g
    if least > most:
        name = sent_as(question, "upper_g" if question.upper_g is not None else "lower_g")
        reason = "is below the least weight" if question.upper_g is not None else "is more than the wort takes"
        raise InputError([Problem(name, "bounds_swapped", reason)])
    lightest = float(weights.min())
    low = (least / lightest if lightest > 0.0 else inf) if least else 0.0
    high = most / float(weights.max())
    if question.upper_g is None:
        high = min(high, max(MAX_GRAMS_PER_LITRE * litres / total, 1.0, low))
    high = min(high, UTMOST_GRAMS_PER_LITRE * litres / total)
    if not low <= high * (1.0 + 1e-12):
        reason = "the additions cannot keep their ratio with this least weight and the greatest one"
        raise InputError([Problem(sent_as(question, "lower_g"), "ratio_out_of_bounds", reason)])
    return low, max(low, high), (least, most)


def _is_in_ounces(question: Question, indexes: Sequence[int]) -> bool:
    """Whether the answer is in ounces: as its step, as the weights that move, or as those of the other hops."""
    if question.step_g is not None:
        return sent_as(question, "step_g") == "step_oz"
    hops = question.beer.hops
    weighed = [hops[index] for index in indexes if not isnan(hops[index].amount_g)] or hops
    return any(sent_as(hop, "amount_g") == "amount_oz" for hop in weighed)
