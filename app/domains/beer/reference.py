"""Own beers of a brewery: a prediction is moved towards what they say, the more the more of them there are.

A model answers what its training brewery would state. Another brewery's beers are all more or all less bitter than
that, on the scale of the square root of the IBU: the difference of a beer is a shift that all beers of the brewery
share, with the variance ``t`` between breweries, plus a difference of its own, with the variance ``s``. With n
reference beers the expected shift is their mean difference times n / (n + s / t): the posterior mean of a normal prior
(the shrinkage of Efron and Morris 1975, JASA 70:311). Its variance is s / (n + s / t), so that the interval, whose
width stands for s, is wider by the square root of 1 + 1 / (n + s / t).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Self

import numpy as np
from numpy.typing import NDArray

from app.domains.api import Warning
from app.domains.beer.answers import Contribution, Explanation, Prediction
from app.domains.beer.predictions import MAX_IBU, PredictionBuilder, tenths
from app.domains.beer.recipe import problems
from app.domains.beer.schema import Beer, ReferenceBeer
from app.errors import Problem
from app.models.loaded import LoadedModel
from app.runtime.predictor import Array

RECIPE_PRIOR = 0.6
"""s / t of models that read hop bills, in beers: so many reference beers have half of the say. It is the least-squares
fit to the mean errors of other brewers' beers with 0, 1, 3 and 5 own beers, 11.2, 9.0, 7.8 and 7.2 IBU; the beers on
which docs/model.md reports have no part in it."""
VITALS_PRIOR = 1.2
"""s / t of models of the vital figures: their mean error is 1.42 times as large, and s grows with its square."""
FULL_ROOT = 2.0
"""Root from which an answer is moved by the whole shift: below 4 IBU in proportion, so that no brewery makes a beer
bitter that has nothing to make it so."""
BYTES_PER_BEER = 60_000
"""Memory that a reference beer takes while a prediction is made, beside the request: with 50 unknown hops, 44 kB."""
GROUP = "own brewery"
"""Group of an explanation that holds what the reference beers add."""


@dataclass(frozen=True, slots=True)
class Shift:
    """How far, and how surely, the answers to a brewery's beers are moved."""

    beers: int
    """Number of reference beers."""
    roots: float
    """Distance, in square roots of the IBU."""
    prior: float
    """Number of reference beers that have half of the say."""

    @classmethod
    def of(cls, stated: Array, answers: Array, prior: float) -> Self:
        """Compare reference beers with what a model answers.

        Args:
            stated: Their bitterness, IBU, shape (n_beers,).
            answers: The model's answers, IBU, shape (n_beers,).
            prior: See the attribute.
        """
        return cls(len(stated), float(np.sum(_roots(stated) - _roots(answers))) / (len(stated) + prior), prior)

    def moved(self, outputs: Mapping[str, Array]) -> Mapping[str, Array]:
        """Move answers, and widen their intervals by the uncertainty of the shift.

        Args:
            outputs: Outputs of the model: IBU and the ends of its intervals, one shape.

        Returns:
            Outputs of the same shape, at least 0; the outputs themselves if there is no reference beer.
        """
        if not self.beers:
            return outputs
        root = _roots(outputs["ibu"])
        middle = np.maximum(root + self.roots * np.minimum(root / FULL_ROOT, 1.0), 0.0)
        wider = sqrt(1.0 + 1.0 / (self.beers + self.prior))
        moved = {
            name: middle if name == "ibu" else np.maximum(middle + wider * (_roots(value) - root), 0.0)
            for name, value in outputs.items()
        }
        return {name: np.square(value).astype(np.float32) for name, value in moved.items()}


class OwnBrewery:
    """What the reference beers of one request say about one version of a model."""

    def __init__(self, loaded: LoadedModel, reference: Sequence[ReferenceBeer]) -> None:
        """Predict the reference beers and compare them with their bitterness.

        Args:
            loaded: The version. Beers without what it reads, a hop bill or a known style, are left out.
            reference: Beers without contradictions.

        Raises:
            InvalidOutput: If the model answers a reference beer with no valid number.
        """
        builder = loaded.prepared(PredictionBuilder)
        used = [index for index, beer in enumerate(reference) if builder.can_read(beer)]
        self.warnings: list[Warning] = []
        """Warnings about the beers that the model can read, with their fields in the request."""
        prior = RECIPE_PRIOR if builder.reads_hops else VITALS_PRIOR
        self.shift = Shift(0, 0.0, prior)
        """How far the beers that the model can read move its answers."""
        if not used:
            return
        rows, bills = builder.rows([_beer(reference[index], builder.reads_hops) for index in used])
        answers = loaded.infer({"features": builder.features(rows)})["ibu"].astype(np.float64).ravel()
        if not (np.abs(answers) < MAX_IBU).all():  # false for NaN as well
            raise loaded.invalid_output("ibu of a reference beer")
        self.shift = Shift.of(np.array([reference[index].ibu for index in used]), answers, prior)
        for index, warnings in zip(used, builder.warnings(rows, bills), strict=True):
            self.warnings += [_in_reference(warning, index) for warning in warnings]

    def note(self, predictions: Sequence[Prediction], outputs: Mapping[str, Array]) -> None:
        """Say in predictions how far they are moved.

        Args:
            predictions: Predictions from the moved outputs.
            outputs: Outputs of the model that were moved.
        """
        for prediction, ibu in zip(predictions, tenths(outputs["ibu"].astype(np.float64)).ravel(), strict=True):
            prediction["reference"] = {"beers": self.shift.beers, "ibu": round(prediction["ibu"] - float(ibu), 1)}

    def explained(self, explanation: Explanation, prediction: Prediction) -> Explanation:
        """Add the shift to an explanation of the model's own answer.

        Args:
            explanation: Its contributions add up to the model's answer.
            prediction: The moved prediction, with its note.

        Returns:
            An explanation whose contributions add up to the moved prediction, largest first.
        """
        ibu = prediction["reference"]["ibu"]
        known = "1 reference beer" if self.shift.beers == 1 else f"{self.shift.beers} reference beers"
        if not self.shift.beers:
            text = "None of the reference beers has what this model reads (hops or a style), so none counts here."
        elif ibu:
            text = f"{abs(ibu):.1f} IBU {'more' if ibu > 0 else 'less'}, from {known} of your own."
        else:
            text = f"The same as without your {known}."
        own: Contribution = {"group": GROUP, "inputs": ["reference"], "assumed": [], "ibu": ibu, "text": text}
        contributions = [*explanation["contributions"], own]
        contributions.sort(key=lambda contribution: -abs(contribution["ibu"]))
        return {"base_value": explanation["base_value"], "contributions": contributions}


def problems_of_reference(reference: Sequence[ReferenceBeer] | None) -> list[Problem]:
    """Find contradictions within reference beers that have passed the schema.

    Args:
        reference: The beers; None if there are none.
    """
    return [
        problem
        for index, beer in enumerate(reference or ())
        for problem in problems(_beer(beer), f"reference.{index}.")
    ]


def cost(reference: Sequence[ReferenceBeer] | None) -> int:
    """Estimate the bytes that predicting reference beers takes, beside the request.

    Args:
        reference: The beers; None if there are none.
    """
    return len(reference) * BYTES_PER_BEER if reference else 0


def _beer(reference: ReferenceBeer, with_hops: bool = True) -> Beer:
    """A reference beer as one that is asked about; its values have been validated."""
    values = {name: value for name, value in reference.__dict__.items() if name != "ibu"}
    if not with_hops:
        values["hops"] = None
    return Beer.model_construct(reference.model_fields_set - {"ibu"}, **values)


def _in_reference(warning: Warning, index: int) -> Warning:
    result = warning.copy()
    if "field" in warning:
        result["field"] = f"reference.{index}.{warning['field']}"
    return result


def _roots(ibu: Array) -> NDArray[np.float64]:
    roots: NDArray[np.float64] = np.sqrt(np.maximum(ibu.astype(np.float64), 0.0))
    return roots
