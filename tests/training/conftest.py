"""What the tests of training share: invented recipes, quick parameters, one trained model."""

from pathlib import Path

import pytest

from training.beer.recipe import RECIPE
from training.beer.vitals import VITALS
from training.evaluate import EvaluationProtocol
from training.sources import RecipeDataset, read_recipes
from training.spec import Data, Parameters
from training.spec_trainer import SpecRun, SpecTrainer, prepare

RECIPES = Path(__file__).parents[1] / "data" / "recipes.json"
SHARED = Path(__file__).parents[3] / "shared" / "data" / "punk_beers.json"
QUICK = EvaluationProtocol(folds=3, repeats=2, workers=1)


@pytest.fixture(scope="session")
def dataset() -> RecipeDataset:
    return read_recipes(str(RECIPES))


@pytest.fixture(scope="session")
def data(dataset: RecipeDataset) -> Data:
    return prepare(VITALS, dataset.recipes)


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
def trainer(dataset: RecipeDataset, quick: Parameters) -> SpecTrainer:
    return SpecTrainer(VITALS, dataset, QUICK, quick)


@pytest.fixture(scope="session")
def trained(trainer: SpecTrainer) -> SpecRun:
    return trainer.run()


@pytest.fixture(scope="session")
def recipe_trainer(dataset: RecipeDataset) -> SpecTrainer:
    return SpecTrainer(RECIPE, dataset, QUICK, quicker(RECIPE.defaults))


@pytest.fixture(scope="session")
def trained_recipe(recipe_trainer: SpecTrainer) -> SpecRun:
    return recipe_trainer.run()
