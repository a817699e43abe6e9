"""Print how far the estimates by formula are from the stated bitterness of recipes.

Usage: ``python scripts/estimate_errors.py RECIPES``, for example ``../shared/data/punk_beers.json``. The recipes are
cleaned as for training. The formulas have no constant that is fitted to them, so every beer is held out.
"""

import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from app.domains.beer.addition_estimates import all_estimates  # noqa: E402
from app.domains.beer.answers import Estimates  # noqa: E402
from app.domains.beer.recipe import resolve  # noqa: E402
from app.domains.beer.recipe_files.punk import request_of  # noqa: E402
from app.domains.beer.schema import Beer  # noqa: E402
from training.beer.bills import bill_rules  # noqa: E402
from training.cleaning import clean, rules  # noqa: E402
from training.sources import read_recipes  # noqa: E402


def main(location: str) -> None:
    """Print mean absolute error, median absolute error and mean error of each estimate, IBU."""
    frame, _ = clean(read_recipes(location).recipes, (*rules(), *bill_rules()))
    stated = frame["ibu"].to_numpy(np.float64)
    recipes = frame[["abv", "target_og", "target_fg", "beer"]].itertuples(index=False)
    beers = [
        Beer.model_validate({**request_of(beer), "abv": abv, "target_og": og, "target_fg": fg})
        for abv, og, fg, beer in recipes
    ]
    bills = [resolve(beer, beer.hops or ()) for beer in beers]
    estimates: list[Estimates] = [all_estimates(beer, bill) for beer, bill in zip(beers, bills, strict=True)]
    print(f"{len(bills)} recipes; errors in IBU\n{'':10}{'MAE':>8}{'median':>8}{'mean':>8}")
    for name in ("tinseth", "rager", "garetz", "physical"):
        errors = np.array([estimate[name] for estimate in estimates]) - stated
        size = np.abs(errors)
        print(f"{name:10}{size.mean():8.1f}{np.median(size):8.1f}{errors.mean():8.1f}")


if __name__ == "__main__":
    main(sys.argv[1])
