"""Records of beers that were answered."""

from collections.abc import Sequence
from typing import Any

from app.domains.api import Warning
from app.domains.beer.answers import Prediction
from app.domains.beer.schema import Beer
from app.models.loaded import LoadedModel
from app.runtime.predictor import Array


def record(
    loaded: LoadedModel,
    features: Array,
    outputs: dict[str, Array],
    answers: Sequence[tuple[Beer, Prediction]],
    indexes: Sequence[int] = (),
    about_all: Sequence[Warning] = (),
) -> None:
    """Record beers, if records are on.

    Args:
        loaded: The version that answered.
        features: What it took, shape (n_beers, n_inputs), float32.
        outputs: Its outputs, before anything was done with them.
        answers: The beers, and what was answered.
        indexes: Index of each beer in its request, or of its request among those that are answered together.
        about_all: Warnings about every beer, beside those of the answers.
    """
    recorder = loaded.recorder
    if recorder is None:
        return
    warnings = [(row, each) for row, (_, answer) in enumerate(answers) for each in (*answer["warnings"], *about_all)]
    texts = [_names(beer) for beer, _ in answers] if recorder.keeps_text else ()
    recorder.record(loaded.manifest, {"features": features}, outputs, warnings, indexes, texts)


def _names(beer: Beer) -> dict[str, Any]:
    """Names in a beer: of its hops, malts, yeast and style."""
    names: dict[str, Any] = {
        "hops": None if beer.hops is None else [hop.name for hop in beer.hops],
        "malts": None if beer.malts is None else [malt.name for malt in beer.malts],
        "yeast": beer.yeast,
        "style": beer.style,
    }
    return {name: value for name, value in names.items() if value is not None}
