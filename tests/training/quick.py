"""Recipes for the tests of training, and parameters that train quickly."""

from pathlib import Path

from training.evaluate import EvaluationProtocol
from training.spec import Parameters

RECIPES = Path(__file__).parents[1] / "data" / "recipes.json"
SHARED = Path(__file__).parents[3] / "shared" / "data" / "punk_beers.json"
QUICK = EvaluationProtocol(folds=3, repeats=2, workers=1)


def quicker(base: Parameters) -> Parameters:
    """These parameters with fewer trees."""

    def fewer(boosting):
        return boosting.model_copy(update={"rounds": 12})

    return base.model_copy(
        update={
            "centre": fewer(base.centre),
            "quantiles": tuple(fewer(q) for q in base.quantiles),
            "fallback": fewer(base.fallback) if base.fallback else None,
            "seeds": 2,
            "calibration_folds": 3,
            "calibration_splits": 2,
            "calibration_seeds": 1,
        }
    )
