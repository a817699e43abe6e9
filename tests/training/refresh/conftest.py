"""A first version trained on two thirds of the invented recipes, and the files that newer data come in."""

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from tests.training.quick import QUICK, RECIPES, quicker
from training.baselines import median
from training.beer.catalogue import SPECS
from training.beer.vitals import VITALS
from training.sources import read_recipes
from training.spec import Spec
from training.spec_trainer import SpecTrainer


@pytest.fixture(scope="session")
def fast() -> Spec:
    """The vitals model with few trees and one baseline."""
    return dataclasses.replace(
        VITALS, defaults=quicker(VITALS.defaults), baselines={"median": median}, facts={}, withheld={}
    )


@pytest.fixture
def fast_command(fast, monkeypatch) -> None:
    """The command trains the model with few trees."""
    monkeypatch.setitem(SPECS, VITALS.name, fast)


@pytest.fixture(scope="session")
def files(tmp_path_factory) -> Path:
    """``old.json`` has two thirds of the recipes, ``new.json`` the rest and some of the old ones."""
    folder = tmp_path_factory.mktemp("files")
    recipes = json.loads(RECIPES.read_text())
    (folder / "old.json").write_text(json.dumps([beer for place, beer in enumerate(recipes) if place % 3]))
    (folder / "new.json").write_text(json.dumps([beer for place, beer in enumerate(recipes) if place % 3 != 1]))
    return folder


@pytest.fixture(scope="session")
def first(files, fast, tmp_path_factory) -> Path:
    """A folder of bundles with version 1, trained on ``old.json``."""
    trainer = SpecTrainer(fast, read_recipes(str(files / "old.json")), QUICK)
    root = tmp_path_factory.mktemp("first")
    trainer.write(trainer.run(), root)
    return root


@pytest.fixture
def root(first, tmp_path) -> Path:
    """A copy of that folder, to which a test may add versions."""
    return shutil.copytree(first, tmp_path / "models")
