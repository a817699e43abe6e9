"""Shared fixtures of the training tests: invented recipes, quick parameters, one trained model."""

import pytest

from tests.training.quick import QUICK, RECIPES, quicker
from training.beer.recipe import RECIPE
from training.beer.vitals import VITALS
from training.sources import RecipeDataset, read_recipes
from training.spec import Data, Parameters
from training.spec_trainer import SpecRun, SpecTrainer, prepare


@pytest.fixture(scope="session")
def dataset() -> RecipeDataset:
    return read_recipes(str(RECIPES))


@pytest.fixture(scope="session")
def data(dataset: RecipeDataset) -> Data:
    return prepare(VITALS, dataset.recipes)


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
