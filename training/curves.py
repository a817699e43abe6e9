"""How the answers of versions of the recipe model move with the hops' boil time, their weight and the gravity."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, cast

import numpy as np
from matplotlib.figure import Figure

from app.bundle.manifest import MODEL
from app.bundle.store import Bundle
from app.domains.beer.api import BeerApi
from app.domains.beer.predictions import PredictionBuilder
from app.domains.beer.schema import Beer
from app.telemetry.metrics import Registry
from training.arrays import Array
from training.export import predict_with_graph

_MALTS = [{"name": "Pale Ale", "amount_kg": 4.5}]
_WHEAT = [{"name": "Wheat", "amount_kg": 2.5}, {"name": "Pilsner", "amount_kg": 2.0}]
_DARK = [{"name": "Pale Ale", "amount_kg": 5.5}, {"name": "Crystal", "amount_kg": 0.5}]


class _Recipe(NamedTuple):
    """A recipe of 20 l; its addition is the one that is moved."""

    grams: float
    alpha: float
    minutes: float
    og: float
    ebc: float
    malts: list[dict[str, Any]]
    yeast: str
    colour: str


RECIPES: Mapping[str, _Recipe] = {
    "hefeweizen, 20 g of 4.5 %": _Recipe(20, 4.5, 60, 1050, 8, _WHEAT, "WLP300", "#c9a227"),
    "pilsner, 60 g of 4 %": _Recipe(60, 4, 60, 1048, 7, _MALTS, "Saflager W-34/70", "#7fa650"),
    "pale ale, 30 g of 10 %": _Recipe(30, 10, 60, 1054, 15, _MALTS, "US-05", "#1f5a7a"),
    "stout, 40 g of 9 %": _Recipe(40, 9, 60, 1064, 90, _DARK, "US-05", "#5b4033"),
    "IPA, 100 g of 12 %": _Recipe(100, 12, 20, 1064, 14, _MALTS, "US-05", "#c8553d"),
}
"""The recipes of the figure."""

_ATTENUATION = 0.77
"""Apparent attenuation: gravities and alcohol move in step."""


def _beer(recipe: _Recipe) -> Beer:
    """The recipe as a request."""
    fg = 1000 + (recipe.og - 1000) * (1 - _ATTENUATION)
    hop = {"name": "Any", "amount_g": recipe.grams, "alpha_acid": recipe.alpha, "boil_minutes": recipe.minutes}
    return Beer.model_validate(
        {
            "target_og": float(recipe.og), "target_fg": fg, "abv": (recipe.og - fg) * 0.13125, "ebc": recipe.ebc,
            "ph": 4.4, "batch_volume_l": 20.0, "hops": [hop], "malts": recipe.malts, "yeast": recipe.yeast,
        }
    )  # fmt: skip


class _Panel(NamedTuple):
    label: str
    low: float
    high: float
    moved: Callable[[_Recipe, float], _Recipe]


_PANELS = (
    _Panel("boil time, min", 0, 90, lambda recipe, x: recipe._replace(minutes=x)),
    _Panel("hops in 20 l, g", 0, 120, lambda recipe, x: recipe._replace(grams=x)),
    _Panel("original gravity, points", 1030, 1100, lambda recipe, x: recipe._replace(og=x)),
)


def answers(bundle: Bundle, beers: Sequence[Beer]) -> Array:
    """Answer beers with a version of the recipe model, as the service does before it rounds.

    Args:
        bundle: The version.
        beers: Beers with hop bills.

    Returns:
        shape (n_beers,), IBU.
    """
    builder = cast(PredictionBuilder, BeerApi.prepare(bundle.manifest, Registry())[PredictionBuilder])
    rows, _ = builder.rows(beers)
    ibu: Array = predict_with_graph(bundle.files[MODEL], builder.features(rows))[:, 0]
    return ibu


def curves(bundles: Sequence[Bundle], points: int = 361) -> Figure:
    """Plot the answers to five recipes as boil time, weight of the hops and gravity change.

    Args:
        bundles: Versions of the recipe model, a row of the figure each.
        points: Number of points of a curve.
    """
    figure = Figure(figsize=(10.0, 2.9 * len(bundles) + 0.5), layout="constrained")
    rows = figure.subplots(len(bundles), len(_PANELS), sharex="col", sharey=True, squeeze=False)
    for bundle, axes in zip(bundles, rows, strict=True):
        for axis, panel in zip(axes, _PANELS, strict=True):
            axis.spines[["top", "right"]].set_visible(False)
            values = np.linspace(panel.low, panel.high, points).tolist()
            for name, recipe in RECIPES.items():
                beers = [_beer(panel.moved(recipe, x)) for x in values]
                axis.plot(values, answers(bundle, beers), color=recipe.colour, linewidth=1.2, label=name)
        axes[0].set_ylabel(f"version {bundle.manifest.version}: IBU")
    for axis, panel in zip(rows[-1], _PANELS, strict=True):
        axis.set_xlabel(panel.label)
    rows[0][0].set_ylim(bottom=0)
    figure.legend(*rows[0][0].get_legend_handles_labels(), loc="outside upper center", ncols=3, frameon=False)
    return figure
