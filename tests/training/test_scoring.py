"""Finished bundles scored on labelled recipes: evaluate and compare run their graphs."""

import json

import numpy as np
import pytest

from app.bundle.store import read_bundle
from tests.training.quick import RECIPES
from training import __main__ as command
from training.errors import DataError
from training.metrics import interval_score, resampled
from training.sources import read_recipes


@pytest.fixture(scope="module")
def bundles(trainer, trained, recipe_trainer, trained_recipe, tmp_path_factory):
    root = tmp_path_factory.mktemp("bundles")
    return trainer.write(trained, root), recipe_trainer.write(trained_recipe, root)


@pytest.fixture
def others(dataset, tmp_path):
    """The same beers in another file, whose digest is not that of any training data."""
    path = tmp_path / "others.json"
    path.write_text(json.dumps(dataset.recipes))
    return path


def test_a_bundle_is_scored_on_a_labelled_file(bundles, trained_recipe, others, tmp_path, capsys):
    out = tmp_path / "figures.json"
    assert command.main(["evaluate", "--bundle", str(bundles[1]), "--data", str(others), "--json", str(out)]) == 0
    result = json.loads(out.read_text())
    labels, predicted = trained_recipe.data.rows.labels, trained_recipe.model.predict(trained_recipe.data.rows.inputs)
    assert result["n"] == len(labels) and result["bundle"] == "beer-ibu-recipe 1"
    assert result["mae"]["value"] == pytest.approx(np.abs(predicted[:, 0] - labels).mean(), abs=1e-3)
    assert result["coverage"]["value"] == pytest.approx(
        ((predicted[:, 1] <= labels) & (labels <= predicted[:, 2])).mean()
    )
    for name in ("mae", "rmse", "median_ae", "r2", "within_10", "coverage", "width", "interval_score"):
        assert result[name]["low"] <= result[name]["value"] <= result[name]["high"]
    assert sum(band["rows"] for band in result["bands"]) == result["n"]
    intervals = result["intervals"]
    assert list(intervals) == ["0.5", "0.8", "0.9"]
    assert intervals["0.9"]["interval_score"] == pytest.approx(result["interval_score"]["value"])
    assert intervals["0.5"]["width"] < intervals["0.8"]["width"] < intervals["0.9"]["width"]
    stdout, stderr = capsys.readouterr()
    assert "MAE, IBU" in stdout and "| 20-40 |" in stdout and "WARNING" not in stderr
    assert not result["trained_on_these_data"]


def test_scoring_on_training_data_gives_a_warning(bundles, tmp_path, capsys):
    out = tmp_path / "figures.json"
    assert command.main(["evaluate", "--bundle", str(bundles[0]), "--data", str(RECIPES), "--json", str(out)]) == 0
    assert "WARNING: beer-ibu 1 was trained on recipes.json" in capsys.readouterr().err
    assert json.loads(out.read_text())["trained_on_these_data"]


def test_the_exit_code_tells_whether_the_bundle_is_worse(bundles, others, capsys):
    vitals, recipe = map(str, bundles)
    codes = {
        pair: command.main(["compare", *pair, "--data", str(others)])
        for pair in ((recipe, vitals), (vitals, recipe), (vitals, vitals))
    }
    assert codes == {(recipe, vitals): 1, (vitals, recipe): 0, (vitals, vitals): 0}
    stdout = capsys.readouterr().out
    assert "| beer-ibu-recipe 1 | 0.8 |" in stdout
    assert "beer-ibu 1 is WORSE: MAE" in stdout and "beer-ibu 1 is not worse" in stdout
    assert "  MAE: +0.000 IBU (95 % +0.000 to +0.000; tolerance 0.1)\n" in stdout


def test_both_are_scored_on_the_beers_that_both_can_answer(bundles, others, capsys):
    command.main(["compare", *map(str, bundles), "--data", str(others)])
    assert "n = 77" in capsys.readouterr().out


def test_the_interval_score_is_the_width_and_a_penalty_for_each_miss():
    labels = np.float32([10, 20, 30])
    scores = interval_score(labels, np.float32([5, 25, 0]), np.float32([15, 45, 29]), 0.9)
    assert scores == pytest.approx([10, 20 + 20 * 5, 29 + 20 * 1])


def test_resampling_draws_whole_groups():
    groups = np.repeat(np.arange(10), 5)
    seen = []

    def figure(rows):
        seen.append(np.bincount(rows, minlength=50).reshape(10, 5))
        return {"mean": float(rows.mean())}

    low, high = resampled(figure, groups, 0, resamples=50)["mean"]
    assert low < 24.5 < high
    assert all((counts == counts[:, :1]).all() for counts in seen)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda about: about.model_copy(update={"name": "stranger"}), "unknown model"),
        (
            lambda about: about.model_copy(
                update={"inputs": (about.inputs[0].model_copy(update={"name": "moon"}), *about.inputs[1:])}
            ),
            "cannot|can be scored here moon",
        ),
    ],
)
def test_an_unknown_bundle_is_rejected(bundles, change, message, monkeypatch, capsys):
    bundle = read_bundle(bundles[0])
    changed = type(bundle)(bundle.folder, change(bundle.manifest), bundle.files)
    monkeypatch.setattr("training.bundle_commands.read_bundle", lambda _: changed)
    assert command.main(["evaluate", "--bundle", "x", "--data", str(RECIPES)]) == 1
    assert message.split("|")[-1] in capsys.readouterr().err


def test_a_folder_that_is_not_a_bundle_is_reported(tmp_path, capsys):
    assert command.main(["evaluate", "--bundle", str(tmp_path), "--data", str(RECIPES)]) == 1
    assert "SHA256SUMS is missing" in capsys.readouterr().err


def test_recipes_without_hop_bills_cannot_be_scored_by_the_recipe_model(bundles, dataset, tmp_path):
    path = tmp_path / "plain.json"
    path.write_text(json.dumps([{**beer, "ingredients": None} for beer in dataset.recipes]))
    assert len(read_recipes(str(path)).recipes) == len(dataset.recipes)
    assert command.main(["evaluate", "--bundle", str(bundles[1]), "--data", str(path)]) == 1
    with pytest.raises(DataError, match="no row is left"):
        from training.beer.recipe import RECIPE
        from training.spec_trainer import prepare

        prepare(RECIPE, read_recipes(str(path)).recipes)
