"""A card and a manifest say of the training data only what the run knows, and of the committed data only on those."""

import dataclasses
import json

import pytest

from app.bundle.store import read_bundle
from tests.training.quick import QUICK, RECIPES, quicker
from training import __main__ as command
from training import commands
from training.beer.catalogue import SPECS
from training.beer.recipe import RECIPE
from training.beer.vitals import VITALS
from training.spec import KnownData, Spec
from training.spec_trainer import SpecTrainer

CLAIMS = (
    *(
        "BrewDog",
        "DIY DOG",
        "Punk",
        "punk",
        "MIT",
        "one brewery",
        "craft brewery",
        "20 l batches",
        "25 l",
        "multiples of 5",
    ),
    *("nobody published", "nobody measured", "LEAKING", "33.54", "neighbouring beer styles", "three breeds", "Oxford"),
)
"""What was known of the committed models' data and stood in the card of every model."""


def sentences(known: KnownData) -> list[str]:
    texts = [known.origin, known.licence, known.use, known.misuse, known.data, known.unseen, *known.faults]
    return [text for text in texts if text]


@pytest.fixture(params=["vitals", "recipe"])
def made(request, tmp_path):
    """A trainer and its run on the tests' recipes, whose digest is not the committed model's."""
    words = {"vitals": ("trainer", "trained"), "recipe": ("recipe_trainer", "trained_recipe")}[request.param]
    return tuple(request.getfixturevalue(word) for word in words)


def nested_figures(spec: Spec) -> list[str]:
    return [f"{spec.chosen['nested'][name]:.2f}" for name in ("mae", "rmse")]


def test_own_data_get_nothing_of_the_committed_models_data(made, tmp_path):
    trainer, run = made
    bundle = read_bundle(trainer.write(run, tmp_path))
    card, about = bundle.files["MODEL_CARD.md"].decode(), bundle.manifest
    assert [claim for claim in (*CLAIMS, *sentences(trainer.spec.known_data)) if claim in card] == []
    assert not any(f"{figure} ±" in card for figure in nested_figures(trainer.spec))
    assert "The parameters were chosen on other data, not on these" in card
    assert "Where these data come from was not stated" in card and "licence was not stated" in card
    assert "For beers like those it was trained on." in card
    public = about.model_dump_json(exclude={"parameters"})
    assert [claim for claim in CLAIMS if claim in public] == []
    assert set(about.parameters["chosen"]) == {"by", "sha256", "chosen"}
    assert (about.training_data.origin, about.training_data.licence) == ("", "")


def test_the_committed_models_data_get_what_is_known_of_them(made, tmp_path):
    trainer, run = made
    digest = run.data.dataset.sha256
    known = dataclasses.replace(trainer.spec.known_data, sha256=digest)
    spec = dataclasses.replace(trainer.spec, known_data=known, chosen={**trainer.spec.chosen, "sha256": digest})
    told = dataclasses.replace(
        run, figures=dataclasses.replace(run.figures, leaking_rmse={"model": 20.0, "median": 30})
    )
    bundle = read_bundle(SpecTrainer(spec, run.data.dataset, QUICK).write(told, tmp_path))
    card, data = bundle.files["MODEL_CARD.md"].decode(), bundle.manifest.training_data
    assert [text for text in sentences(known) if text not in card] == []
    assert f"Source: {known.origin}. Licence: MIT." in card and (data.origin, data.licence) == (known.origin, "MIT")
    assert "this model 20.00, median 30.00; the historical figure is 33.54" in card
    assert f"the choice included, the MAE is {nested_figures(spec)[0]} ±" in card


def test_the_defaults_name_the_data_on_which_they_were_chosen():
    for spec in SPECS.values():
        assert spec.chosen["sha256"] == spec.known_data.sha256


def test_source_and_licence_are_what_the_user_says(monkeypatch, tmp_path, capsys):
    quick = dataclasses.replace(VITALS, defaults=quicker(VITALS.defaults), baselines={})
    monkeypatch.setitem(commands.SPECS, VITALS.name, quick)
    words = ["--source", "our own  brews,\n2019-2024", "--licence", "CC0", "--model", VITALS.name]
    common = ["--data", str(RECIPES), "--out", str(tmp_path), "--repeats", "1", "--workers", "1"]
    assert command.main([*words, *common]) == 0
    folder = tmp_path / VITALS.name / "1"
    data = json.loads((folder / "manifest.json").read_text())["training_data"]
    assert (data["origin"], data["licence"]) == ("our own brews, 2019-2024", "CC0")
    assert "Source: our own brews, 2019-2024. Licence: CC0." in (folder / "MODEL_CARD.md").read_text()
    assert "LEAKING" not in capsys.readouterr().out
    with pytest.raises(SystemExit):
        command.main(["--source", "x" * 501, *common])
    assert "more than 500 characters" in capsys.readouterr().err


def test_a_feature_that_the_parameters_leave_out_is_a_fault():
    assert "colour" not in VITALS.defaults.features and "colour" in VITALS.prose.unused
    assert set(RECIPE.prose.unused) == set()
