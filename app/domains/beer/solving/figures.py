"""The bitterness of a beer with other weights of some of its hops, by the model or by a formula."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import numpy as np

from app.domains.beer.garetz import garetz
from app.domains.beer.hop_bill import Addition, tinseth
from app.domains.beer.physical import physical
from app.domains.beer.predictions import MAX_IBU, OUTPUTS, PredictionBuilder
from app.domains.beer.rager import rager
from app.domains.beer.recipe import ResolvedBill, resolve, with_additions
from app.domains.beer.reference import OwnBrewery
from app.domains.beer.schema import Beer
from app.domains.beer.solving.curve import IBU, Values
from app.domains.beer.solving.moving import Moving, with_weights
from app.domains.beer.solving.schema import SolvedBy
from app.domains.beer.tinseth import bigness
from app.domains.beer.uncertain_hops import widened
from app.models.loaded import LoadedModel


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

    def at(self, weights: Values) -> dict[str, Values]:
        """Compute the estimates; see `WeightFigures`."""
        beer, bill = self._moving.beer, self._moving.bill
        additions = map(self._moving.additions, weights)
        return {IBU: np.array([estimate(self._by, beer, bill, each) for each in additions])}


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
        self._ends: tuple[Values, Values] | None = None
        if with_interval and (ends := moving.bill.ends) is not None:
            without = with_weights(moving.beer, dict.fromkeys(moving.indexes, 0.0))
            ends_without = resolve(without, without.hops or []).ends or ends
            self._ends = np.array(ends_without), np.array(ends) - np.array(ends_without)

    def at(self, weights: Values) -> dict[str, Values]:
        """Compute the predictions; see `WeightFigures`.

        Raises:
            InvalidOutput: If the model gives no valid number.
        """
        moving, loaded = self._moving, self._loaded
        bills = [self._bill(row) for row in weights]
        beers = [moving.beer] * len(bills)
        features = self._builder.features(self._builder.rows_of(beers, bills))
        outputs = widened(loaded.what_if({"features": features}), loaded, beers, bills)
        moved = self._shift.moved(outputs) if self._shift else outputs
        figures = {name: moved[name].astype(np.float64).ravel() for name in OUTPUTS}
        if not all((np.abs(values) < MAX_IBU).all() for values in figures.values()):  # false for NaN as well
            raise loaded.invalid_output("ibu of other weights")
        return figures

    def _bill(self, weights: Values) -> ResolvedBill:
        moving = self._moving
        bill = with_additions(moving.beer, moving.bill, moving.additions(weights))
        if self._ends is None:
            return replace(bill, ends=None)
        without, rise = self._ends  # inputs of hops are sums over the additions
        low, high = (without + float(weights.sum()) / moving.total * rise).tolist()
        return replace(bill, ends=(tuple(low), tuple(high)))
