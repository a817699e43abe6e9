"""Searches along one line of weights: where a bitterness is reached, and where a chance is best.

A line is given by the factor on the weights of all additions that move. A figure is computed for many factors at once,
because a model answers 33 rows almost as fast as one.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Figures = Callable[[Values], Mapping[str, Values]]
"""Computes figures by name, such as ``ibu``, at factors, shape (n,) each."""

IBU = "ibu"
POINTS = 33
"""Factors that are tried at once."""
DECADES = 3.0
"""Decades of factors below the greatest one that the first grid covers evenly on a scale of ratios."""
ROUNDS = 4
"""Greatest number of grids; each is 32 times as fine as the last."""
CLOSE = 0.001
"""Width in IBU of an interval in which a straight line is close enough."""
NEARBY = 1.001
"""Ratio of two factors between which a model without leaps moves as it does elsewhere."""
RISE = 0.1
"""Rise in IBU between neighbours of the first grid from which the model is said to rise there."""
FINE_POINTS = 129
"""Factors of the grid on which a staircase is smoothed."""
SMOOTHING = 0.4
"""Standard deviation of the weights of the smoothing, as a natural logarithm of the factor: most of the say have doses
from two thirds to one and a half times as large."""


@dataclass(frozen=True, slots=True)
class Line:
    """Figures between two factors.

    Attributes:
        figures: Computes the figures.
        low: Least factor.
        high: Greatest factor, at least `low`.
    """

    figures: Figures
    low: float
    high: float

    def grid(self, points: int = POINTS) -> Values:
        """Return factors from the least to the greatest, evenly apart on a scale of ratios."""
        if self.high <= self.low:
            return np.array([self.low])
        start = max(self.low, self.high * 10.0**-DECADES)
        inner = np.geomspace(start, self.high, points - 1)
        return np.concatenate([[self.low], inner]) if start > self.low else inner

    def ibu(self, factors: Values) -> Values:
        """Return the bitterness at factors, IBU."""
        return self.figures(factors)[IBU]

    def ends(self) -> tuple[float, float]:
        """Return the bitterness at the least and at the greatest factor, IBU."""
        low, high = self.ibu(np.array([self.low, self.high])).tolist()
        return low, max(low, high)

    def reach(self, ibu: float) -> float:
        """Return the least factor at which a bitterness is reached; the greatest if it is out of reach.

        Args:
            ibu: The bitterness, IBU. The figure must not fall with the factor.
        """
        factors = self.grid()
        for _ in range(ROUNDS):
            values = np.maximum.accumulate(self.ibu(factors))
            place = int(np.searchsorted(values, ibu))
            if place == 0:
                return float(factors[0])
            if place == len(values):
                return float(factors[-1])
            (start, end), (below, above) = factors[place - 1 : place + 1], values[place - 1 : place + 1]
            if above - below < CLOSE:
                break
            factors = np.linspace(start, end, POINTS)
        return float(start + (end - start) * (ibu - below) / (above - below))

    def best(self, chance: Callable[[Mapping[str, Values]], Values], aim: float) -> float:
        """Return the factor at which a chance is best; of several, that whose bitterness is nearest to an aim.

        Args:
            chance: Computes the chance from figures, shape (n,).
            aim: The aim, IBU.
        """
        factors = self.grid()
        for _ in range(ROUNDS - 1):
            figures = self.figures(factors)
            chances = chance(figures)
            distance = np.where(chances >= chances.max() - 1e-9, np.abs(figures[IBU] - aim), np.inf)
            place = int(np.argmin(distance))
            found = float(factors[place])
            around = factors[max(place - 1, 0)], factors[min(place + 1, len(factors) - 1)]
            factors = np.linspace(*around, POINTS)
        return found

    def slope(self, factor: float) -> float:
        """Return how far the bitterness rises per unit of the factor, IBU."""
        distance = max(factor, self.high * 1e-3, 1e-9) * 0.01
        low, high = max(factor - distance, self.low), min(factor + distance, self.high)
        if high <= low:  # one weight is all that there is
            low, high = max(factor - distance, 0.0), factor + distance
        below, above = self.ibu(np.array([low, high]))
        return max(float(above - below) / (high - low), 0.0)


def is_staircase(line: Line) -> bool:
    """Whether a figure moves in leaps: where it rises, nearby factors have equal values nearly everywhere.

    Args:
        line: The line.
    """
    factors = line.grid()
    values = line.ibu(np.concatenate([factors, factors[:-1] * NEARBY]))
    here, nearby = values[: len(factors)], values[len(factors) :]
    rises = (np.diff(here) > RISE) & (factors[:-1] > 0.0)
    return bool(2 * np.sum(nearby[rises] == here[:-1][rises]) > np.sum(rises))


def smoothed(line: Line, shape: Line) -> Line:
    """Replace a staircase by the curve of another figure through its level.

    The rise of each figure from the least factor on is divided by that of the shape. The quotient, averaged over
    similar doses, times the shape's rise is the new figure.

    Args:
        line: The staircase.
        shape: A figure without leaps, which does not fall with the factor.
    """
    factors = line.grid(FINE_POINTS)
    stairs, curve = line.figures(factors), shape.ibu(factors)
    if len(factors) < 3:
        return line
    rise = curve - curve[0]
    if rise[-1] <= 0.0:  # the shape knows nothing of these hops, such as dry hops: the level alone
        rise = np.arange(len(factors), dtype=np.float64)
    is_risen = rise > 0.0
    logarithms = np.log(factors[is_risen])
    kernel = np.exp(-0.5 * ((logarithms[:, None] - logarithms) / SMOOTHING) ** 2)
    kernel /= kernel.sum(axis=1, keepdims=True)

    def smooth(values: Values) -> Values:
        new = np.full(len(values), values[0])
        new[is_risen] += kernel @ ((values - values[0])[is_risen] / rise[is_risen]) * rise[is_risen]
        return np.maximum.accumulate(new)

    tables = {name: smooth(values) for name, values in stairs.items()}
    return Line(lambda at: {name: np.interp(at, factors, table) for name, table in tables.items()}, line.low, line.high)
