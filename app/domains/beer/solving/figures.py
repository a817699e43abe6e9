"""The bitterness of a beer with other weights of some of its hops, by the model or by a formula."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from app.domains.beer.garetz import concentration, garetz, hopping_factor, unhindered
from app.domains.beer.hop_bill import Addition, amounts, bill_rows, tinseth
from app.domains.beer.inputs import HOP_INPUTS
from app.domains.beer.physical import physical, physical_of_weights
from app.domains.beer.predictions import MAX_IBU, OUTPUTS, PredictionBuilder
from app.domains.beer.rager import rager
from app.domains.beer.recipe import ResolvedBill, resolve
from app.domains.beer.reference import OwnBrewery
from app.domains.beer.schema import Beer
from app.domains.beer.solving.curve import IBU, Values
from app.domains.beer.solving.moving import Moving, with_weights
from app.domains.beer.solving.schema import SolvedBy
from app.domains.beer.tinseth import bigness
from app.domains.beer.uncertain_hops import cover
from app.models.loaded import LoadedModel
from app.runtime.predictor import Array


class WeightFigures(Protocol):
    """Computes figures for weights of the additions that move."""

    def at(self, weights: Values) -> dict[str, Values]:
        """Compute the figures.

        Args:
            weights: Weights, g, shape (n, n_additions).

        Returns:
            `IBU`, and of a model the ends of its interval, shape (n,) each, IBU.
        """


def estimate(by: SolvedBy, beer: Beer, bill: ResolvedBill, additions: Sequence[Addition]) -> float:
    """Estimate the bitterness of a beer with other additions by a formula, IBU.

    Args:
        by: The formula.
        beer: The beer.
        bill: Its resolved hop bill.
        additions: The additions, or those of the bill.
    """
    litres = beer.batch_volume_l
    if by is SolvedBy.TINSETH:
        return tinseth(additions, litres, bigness(bill.boil_points))
    if by is SolvedBy.RAGER:
        return sum(rager(additions, litres, bill.boil_points))
    if by is SolvedBy.GARETZ:
        return sum(garetz(additions, litres, bill.boil_points, beer.boil_volume_l))
    return physical(additions, litres, beer.boil_volume_l)


class FormulaFigures:
    """Figures by a formula."""

    def __init__(self, moving: Moving, by: SolvedBy) -> None:
        """Initialize the figures.

        Args:
            moving: What moves.
            by: The formula.
        """
        self._moving = moving
        self._by = by
        self._of_a_gram = None if by is SolvedBy.PHYSICAL else self._rises()

    def at(self, weights: Values) -> dict[str, Values]:
        """Compute the estimates; see `WeightFigures`."""
        moving, beer = self._moving, self._moving.beer
        litres, boil_litres = beer.batch_volume_l, beer.boil_volume_l
        grams = moving.all_weights(weights)
        if self._of_a_gram is None:
            return {IBU: np.array(physical_of_weights(moving.bill.additions, grams.tolist(), litres, boil_litres))}
        ibu = amounts(grams, litres) @ self._of_a_gram
        if self._by is SolvedBy.GARETZ:
            at = concentration(litres, boil_litres)
            ibu *= [hopping_factor(unhindered_ibu, at) for unhindered_ibu in ibu.tolist()]
        return {IBU: ibu}

    def _rises(self) -> Values:
        """Bitterness of each addition of one gram per litre, IBU, shape (n_additions,)."""
        points, additions = self._moving.bill.boil_points, self._moving.bill.additions
        light = [addition.weighing(1.0) for addition in additions]
        if self._by is SolvedBy.TINSETH:
            return np.array([tinseth([addition], 1.0, bigness(points)) for addition in light])
        return np.array((rager if self._by is SolvedBy.RAGER else unhindered)(light, 1.0, points))


class ModelFigures:
    """Figures by a version of the model, moved by the beer's reference beers."""

    def __init__(self, moving: Moving, loaded: LoadedModel, with_interval: bool) -> None:
        """Initialize the figures.

        Args:
            moving: What moves.
            loaded: The version.
            with_interval: Whether the ends of the interval have to be right for hops that are not known exactly.

        Raises:
            InvalidOutput: If the model answers a reference beer with no valid number.
        """
        self._moving = moving
        self._loaded = loaded
        self._builder = loaded.prepared(PredictionBuilder)
        reference = moving.beer.reference
        self._shift = OwnBrewery(loaded, reference).shift if reference else None
        self._ends: list[tuple[Values, Values]] | None = None
        """Inputs of the hops with the least and with the most alpha acid: without what moves, and at factor 1."""
        if with_interval and (ends := moving.bill.ends) is not None:
            light = with_weights(moving.beer, dict.fromkeys(moving.indexes, 0.0))
            ends_without = resolve(light, light.hops or []).ends or ends
            of_hops = len(HOP_INPUTS)
            self._ends = [
                (np.array(without[:of_hops]), np.array(whole[:of_hops]))
                for without, whole in zip(ends_without, ends, strict=True)
            ]

    def at(self, weights: Values) -> dict[str, Values]:
        """Compute the predictions; see `WeightFigures`.

        Raises:
            InvalidOutput: If the model gives no valid number.
        """
        moving, loaded = self._moving, self._loaded
        hops = bill_rows(moving.bill.additions, moving.all_weights(weights), moving.beer.batch_volume_l)
        outputs = self._answers(hops)
        if self._ends is not None:  # inputs of hops are sums over the additions
            outputs = {name: values.copy() for name, values in outputs.items()}
            factors = weights.sum(axis=1, keepdims=True) / moving.total
            for without, whole in self._ends:
                cover(outputs, slice(None), self._answers(without + factors * (whole - without)))
        moved = self._shift.moved(outputs) if self._shift else outputs
        figures = {name: moved[name].astype(np.float64).ravel() for name in OUTPUTS}
        if not all((np.abs(values) < MAX_IBU).all() for values in figures.values()):  # false for NaN as well
            raise loaded.invalid_output("ibu of other weights")
        return figures

    def _answers(self, hops: Values) -> dict[str, Array]:
        """Run the model on the beer with other hops: values of `HOP_INPUTS`, shape (n, n_hop_inputs)."""
        rows = self._builder.rows_with(self._moving.beer, self._moving.bill, hops)
        return self._loaded.what_if({"features": self._builder.features(rows)})
