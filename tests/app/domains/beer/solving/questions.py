"""Random questions for the weights of hops, and what a figure says of a beer."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from app.domains.beer.api import BeerApi
from app.domains.beer.recipe import resolve
from app.domains.beer.schema import Beer
from app.domains.beer.solving.figures import estimate
from app.domains.beer.solving.schema import SolvedBy

NAMES = ("Magnum", "Simcoe", "Citra", "Fuggle", "Saaz", "Polaris", "Northern Brewer", "East Kent Goldings")
TIMES: tuple[dict[str, Any], ...] = (
    {"boil_minutes": 90.0}, {"boil_minutes": 60.0}, {"boil_minutes": 20.0}, {"boil_minutes": 7.5}, {"stage": "start"},
    {"stage": "first_wort"}, {"stage": "middle"}, {"stage": "end"}, {"stage": "whirlpool"}, {"stage": "dry_hop"},
    {"stage": "whirlpool", "temperature_c": 80.0, "stand_minutes": 30.0}, {"boil_minutes": 0.0},
)  # fmt: skip
BOILED = {"boil_minutes": 60.0}


def random_question(random: np.random.Generator) -> tuple[dict[str, Any], dict[str, Any], list[float]]:
    """Draw a question without a target, and a hidden solution of it.

    Args:
        random: The source.

    Returns:
        The beer, the other fields of the question, which rounds no weights, and the weights of a beer on its line.
    """
    litres = float(np.round(random.choice([5.0, 20.0, 60.0, 1000.0]) * random.uniform(0.8, 1.2), 1))
    hops = [_hop(random, litres) for _ in range(random.integers(0, 5))]
    hops.insert(int(random.integers(0, len(hops) + 1)), {**_hop(random, litres), "stage": None, **BOILED})
    for hop in hops:
        if hop.get("stage", "") is None:
            hop.pop("stage"), hop.pop("temperature_c", None), hop.pop("stand_minutes", None)
    beer: dict[str, Any] = {
        "target_og": round(float(random.uniform(1.03, 1.11)), 3),
        "target_fg": round(float(random.uniform(1.005, 1.02)), 3),
        "batch_volume_l": litres,
        "hops": hops,
    }
    if random.random() < 0.3:
        beer["boil_volume_l"] = litres * 1.2
    if random.random() < 0.3:
        beer |= {"ebc": 30.0, "yeast": "WLP001", "malts": [{"name": "Pale Ale", "amount_kg": litres / 5}]}
    if random.random() < 0.1:
        beer["reference"] = [{"target_og": 1.05, "target_fg": 1.01, "ibu": 50.0, "hops": hops}]
    more: dict[str, Any] = {"by": str(random.choice(list(SolvedBy))), "step_g": 0}
    if random.random() < 0.4:
        count = int(random.integers(1, len(hops) + 1))
        more["move"] = sorted(random.choice(len(hops), count, replace=False).tolist())
    factor = float(np.exp(random.uniform(-2.0, 0.25)))
    moved = set(more.get("move") or boiled(hops))
    hidden = [hop["amount_g"] * (factor if index in moved else 1.0) for index, hop in enumerate(hops)]
    return beer, more, hidden


def boiled(hops: Sequence[dict[str, Any]]) -> list[int]:
    """Indexes of the additions that are boiled."""
    stages = ("start", "first_wort", "middle", "end")
    return [index for index, hop in enumerate(hops) if hop.get("boil_minutes") or hop.get("stage") in stages]


def figure(domain: BeerApi, by: str, beers: Sequence[dict[str, Any]]) -> list[float]:
    """Return the bitterness of beers by the model or a formula, IBU; of the model rounded to 0.1."""
    parsed = [Beer.model_validate(beer) for beer in beers]
    if by == "model":
        return [domain.predict(beer)["ibu"] for beer in parsed]
    bills = [resolve(beer, beer.hops or []) for beer in parsed]
    return [estimate(SolvedBy(by), beer, bill, bill.additions) for beer, bill in zip(parsed, bills, strict=True)]


def with_weights(beer: dict[str, Any], weights: Sequence[float]) -> dict[str, Any]:
    """Return a beer with other weights of its hops, g."""
    hops = [{**hop, "amount_g": weight} for hop, weight in zip(beer["hops"], weights, strict=True)]
    return {**beer, "hops": hops}


def _hop(random: np.random.Generator, litres: float) -> dict[str, Any]:
    hop: dict[str, Any] = {"name": str(random.choice(NAMES)), "amount_g": litres * float(random.uniform(0.05, 3.0))}
    hop |= TIMES[random.integers(len(TIMES))]
    if random.random() < 0.5:
        hop["alpha_acid"] = float(random.uniform(2.0, 20.0))
    if random.random() < 0.1:
        hop["form"] = "cone"
    return hop
