"""The recipes of examples/ train both models by the command of README."""

import dataclasses
import json
import re
import shlex

from tests.known import REPOSITORY
from tests.training.quick import quicker
from training import __main__ as command
from training import commands
from training.beer.catalogue import SPECS
from training.beer.recipe import RECIPE
from training.beer.style import STYLE
from training.sources import read_recipes
from training.spec_trainer import prepare

EXAMPLE = "examples/recipes.json"


def test_readmes_command_trains_both_models_from_a_clone(monkeypatch, tmp_path, capsys):
    """With fewer trees and repeats, for the time."""
    printed = re.search(r"^python -m training (.*)$", (REPOSITORY / "README.md").read_text("utf-8"), re.M)
    assert printed and EXAMPLE in printed[1]
    for name, spec in SPECS.items():
        monkeypatch.setitem(commands.SPECS, name, dataclasses.replace(spec, defaults=quicker(spec.defaults)))
    monkeypatch.chdir(REPOSITORY)
    common = ["--out", str(tmp_path), "--repeats", "1", "--workers", "1"]
    assert command.main([*shlex.split(printed[1]), *common]) == 0
    assert all((tmp_path / name / "1" / "MODEL_CARD.md").exists() for name in SPECS if name != STYLE.name)
    assert "recipes.json: 120 beers read" in capsys.readouterr().err


def test_the_example_has_no_faults_and_few_related_beers():
    recipes = read_recipes(str(REPOSITORY / EXAMPLE)).recipes
    data = prepare(RECIPE, recipes)
    assert len(data.labels) == len(recipes) == 120 and len(set(data.groups)) > 80
    assert data.labels.min() < 20 and data.labels.max() > 80
    text = json.dumps(recipes)
    assert "BrewDog" not in text and "Punk" not in text
