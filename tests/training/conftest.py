"""What the tests of training share: invented recipes, quick parameters, one trained model."""

from pathlib import Path

import pytest

from training.beer.recipe import RECIPE
from training.beer.vitals import VITALS
from training.evaluate import Protocol
from training.manifest import Trained
from training.run import prepare, train
from training.sources import Recipes, read_recipes
from training.spec import Data, Parameters

RECIPES = Path(__file__).parents[1] / "data" / "recipes.json"
SHARED = Path(__file__).parents[3] / "shared" / "data" / "punk_beers.json"
QUICK = Protocol(folds=3, repeats=2, workers=1)


@pytest.fixture(scope="session")
def recipes() -> Recipes:
    return read_recipes(str(RECIPES))


@pytest.fixture(scope="session")
def data(recipes: Recipes) -> Data:
    return prepare(VITALS, recipes.beers)


def quicker(base: Parameters) -> Parameters:
    """These parameters with fewer trees."""

    def fewer(boosting):
        return boosting.model_copy(update={"rounds": 12})

    return base.model_copy(
        update={
            "centre": fewer(base.centre),
            "quantiles": tuple(fewer(q) for q in base.quantiles),
            "seeds": 2,
            "calibration_folds": 3,
            "calibration_seeds": 1,
        }
    )


@pytest.fixture(scope="session")
def quick() -> Parameters:
    """The vitals model's defaults with fewer trees."""
    return quicker(VITALS.defaults)


@pytest.fixture(scope="session")
def trained(recipes: Recipes, quick: Parameters) -> Trained:
    return train(VITALS, recipes, QUICK, quick)


@pytest.fixture(scope="session")
def trained_recipe(recipes: Recipes) -> Trained:
    return train(RECIPE, recipes, QUICK, quicker(RECIPE.defaults))
