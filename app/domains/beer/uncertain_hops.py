"""Intervals of beers whose hops are not known exactly: they cover all the alpha acid that there may be."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from app.domains.beer.predictions import PredictionBuilder
from app.domains.beer.recipe import ResolvedBill
from app.domains.beer.schema import Beer
from app.models.loaded import LoadedModel
from app.runtime.predictor import Array


def widened(
    outputs: dict[str, Array], loaded: LoadedModel, beers: Sequence[Beer], bills: Sequence[ResolvedBill]
) -> dict[str, Array]:
    """Widen the intervals of beers whose hops are not known exactly.

    Such an interval reaches from the lower end of the model's answer at the least alpha acid to the upper end at the
    most, so that it contains the bitterness at least as often as the model's own intervals do, whichever is true.

    Args:
        outputs: Outputs of the model for the beers, shape (n_beers, 1) each, float32, IBU.
        loaded: The version that gave them; it is run twice if a beer needs it.
        beers: The beers.
        bills: Their resolved hop bills.

    Returns:
        The outputs, or a changed copy.

    Raises:
        InvalidOutput: If the model gives no valid number.
    """
    uncertain = [(index, ends) for index, bill in enumerate(bills) if (ends := bill.ends) is not None]
    if not uncertain:  # nearly every request
        return outputs
    builder = loaded.prepared(PredictionBuilder)
    places = [index for index, _ in uncertain]
    chosen = [beers[index] for index in places]
    wider = {name: values.copy() for name, values in outputs.items()}
    for end in range(2):
        at_end = builder.rows_of(chosen, [replace(bills[index], columns=ends[end]) for index, ends in uncertain])
        cover(wider, places, loaded.what_if({"features": builder.features(at_end)}))
    return wider


def cover(outputs: Mapping[str, Array], places: Sequence[int] | slice, at_end: Mapping[str, Array]) -> None:
    """Widen intervals so that they reach at least as far as those of other answers.

    Args:
        outputs: Outputs of the model, which are changed.
        places: Their rows that are widened.
        at_end: The other answers to these rows, such as those at the least alpha acid.
    """
    for name, values in at_end.items():
        if name.startswith("lower"):
            outputs[name][places] = np.minimum(outputs[name][places], values)
        elif name.startswith("upper"):
            outputs[name][places] = np.maximum(outputs[name][places], values)
