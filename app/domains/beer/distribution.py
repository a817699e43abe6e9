"""The distribution of a beer's bitterness: through the prediction and the ends of calibrated intervals."""

import math
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from statistics import NormalDist

from app.domains.beer.answers import Interval

_NORMAL = NormalDist()


class Distribution:
    """How probable each bitterness of a beer is.

    On the scale of square roots it is normal in pieces. The prediction has the standard normal score 0; the ends of an
    interval have the scores beyond which half of its misses lie. Between them, the root is a straight line in the
    score, and beyond the widest interval the last piece goes on. A lower end of 0 is cut off there and tells nothing
    about the width, which is then at least that of the upper side. An interval counts at least from the prediction to
    itself, and is at least as wide as those of smaller coverages.
    """

    __slots__ = ("_roots", "_scores")

    def __init__(self, ibu: float, intervals: Sequence[Interval]) -> None:
        """Initialize the distribution.

        Args:
            ibu: The prediction, IBU.
            intervals: Its intervals, at least one, in the order of their coverages.
        """
        centre = _root(ibu)
        self._scores, self._roots = [0.0], [centre]
        for interval in intervals:
            score = _score((1.0 + interval["coverage"]) / 2.0)
            upper, lower = _root(interval["upper"]), _root(interval["lower"])
            if interval["lower"] <= 0.0:
                lower = min(lower, 2.0 * centre - upper)
            self._scores = [-score, *self._scores, score]
            self._roots = [min(lower, self._roots[0]), *self._roots, max(upper, self._roots[-1])]

    def at_most(self, ibu: float) -> float:
        """Return the probability that the bitterness is at most this, 0 to 1.

        Args:
            ibu: Bitterness, IBU.
        """
        root = _root(ibu)
        place = self._piece(self._roots, root)
        low, high = self._roots[place - 1 : place + 1]
        if low == high:  # the last piece has no width: what lies beyond it is at its end
            return 0.5 + 0.5 * ((root > high) - (root < low))
        start, end = self._scores[place - 1 : place + 1]
        return _NORMAL.cdf(start + (end - start) * (root - low) / (high - low))

    def quantile(self, level: float) -> float:
        """Return the bitterness, IBU, that is not exceeded with a probability.

        Args:
            level: The probability, between 0 and 1.
        """
        score = _score(level)
        place = self._piece(self._scores, score)
        start, end = self._scores[place - 1 : place + 1]
        low, high = self._roots[place - 1 : place + 1]
        root = low if start == end else low + (high - low) * (score - start) / (end - start)
        return max(root, 0.0) ** 2

    def quantiles(self, count: int) -> list[float]:
        """Return equally probable bitternesses, rounded to 0.1 IBU, in ascending order.

        Args:
            count: Their number n; they are the quantiles of (i - 0.5) / n for i from 1 to n.
        """
        return [round(self.quantile((index + 0.5) / count), 1) for index in range(count)]

    @staticmethod
    def _piece(ends: Sequence[float], value: float) -> int:
        """Index of the upper end of the piece in which a value is; the first or last for values beyond them."""
        return min(max(bisect_left(ends, value), 1), len(ends) - 1)


@lru_cache(maxsize=1024)
def _score(level: float) -> float:
    """Standard normal score of a probability."""
    return _NORMAL.inv_cdf(level)


def _root(ibu: float) -> float:
    return math.sqrt(max(ibu, 0.0))
