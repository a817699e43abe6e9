"""The whole command: a verified, reproducible bundle, never overwritten, never partially written."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xgboost as xgb

from app.bundle.digests import SHA256SUMS
from app.bundle.store import read_bundle, versions
from app.errors import BundleError
from tests.training.quick import QUICK, RECIPES, SHARED, quicker
from training import __main__ as command
from training import commands
from training.baselines import median
from training.beer.catalogue import SPECS
from training.beer.recipe import RECIPE
from training.beer.style import STYLE
from training.beer.vitals import VITALS
from training.boosting import margins
from training.evaluate import EvaluationProtocol
from training.export import predict_with_graph
from training.reasons import explanation
from training.sources import read_recipes
from training.spec import feature_matrix
from training.spec_trainer import BOOSTER, SpecTrainer, prepare
from training.trainer import next_version

ROOT = Path(__file__).parents[2]


@pytest.fixture
def bundle(trainer, trained, tmp_path):
    return read_bundle(trainer.write(trained, tmp_path, "1"))


def test_the_bundle_is_complete_and_states_its_training_data(bundle, trained):
    about = bundle.manifest
    assert set(bundle.files) == {"model.onnx", "model.ubj", "manifest.json", "MODEL_CARD.md", "trained_on.txt"}
    assert [i.name for i in about.inputs] == ["abv", "target_og", "target_fg", "ebc", "srm", "ph"]
    assert [i.optional for i in about.inputs] == [False] * 3 + [True] * 3
    abv = trained.data.rows.inputs[:, 0]
    assert about.inputs[0].trained_range == pytest.approx((abv.min(), abv.max()), abs=0.005)
    assert about.inputs[0].deciles == pytest.approx(np.quantile(abv, np.arange(1, 10) / 10), abs=0.006)
    data = about.training_data
    assert (data.source, data.sha256) == (trained.data.dataset.source, trained.data.dataset.sha256)
    assert (data.rows_read, data.rows_used) == (data.cleaning[0].rows_before, data.cleaning[-1].rows_after)
    assert about.metrics.values["mae"] == pytest.approx(trained.figures.evaluation.table()["model"]["mae"], abs=1e-4)
    assert about.parameters["chosen"] == {name: VITALS.chosen[name] for name in ("by", "sha256", "chosen")}
    values, evaluation = about.metrics.values, trained.figures.evaluation
    for name, paired in evaluation.paired().items():
        assert values["paired"][name] == pytest.approx(paired, abs=1e-4)
    assert values["bands"][0] == pytest.approx(evaluation.by_band()[0], abs=1e-4)


def test_the_leaking_figure_includes_labels_up_to_1000_ibu(trainer, trained, monkeypatch):
    """It is measured on the committed model's data alone, for which there are older figures."""
    sizes = []
    monkeypatch.setattr("training.spec_trainer.evaluate", lambda *_: trained.figures.evaluation)
    monkeypatch.setattr("training.spec_trainer.leaking_rmse", lambda spec, parameters, data, seed: sizes.append(data))
    trainer.evaluate(trained.data, trained.model, trained.graph)
    assert sizes == []
    known = dataclasses.replace(VITALS.known_data, sha256=trainer.dataset.sha256)
    monkeypatch.setattr(trainer, "spec", dataclasses.replace(VITALS, known_data=known))
    trainer.evaluate(trained.data, trained.model, trained.graph)
    assert sizes[0].labels.max() > 150 and len(sizes[0].labels) > len(trained.data.rows.labels)


def test_the_background_is_spread_over_the_models_predictions(bundle, trained):
    inputs = trained.data.rows.inputs
    assert bundle.manifest.explanation == explanation(VITALS, inputs, trained.model.predict(inputs)[:, 0])


def test_golden_rows_are_outputs_of_the_graph(bundle):
    golden = bundle.manifest.golden
    rows = np.array([golden.inputs[i.name] for i in bundle.manifest.inputs], dtype=np.float32).T
    result = predict_with_graph(bundle.files["model.onnx"], np.ascontiguousarray(rows))
    expected = np.array([golden.outputs[name] for name in ("ibu", "lower", "upper")]).T
    assert np.abs(result - expected).max() <= golden.tolerance
    assert np.isnan(rows).any()


def test_the_saved_booster_is_the_served_model_in_xgboost_format(bundle, trained):
    booster = xgb.Booster(model_file=bytearray(bundle.files[BOOSTER]))
    features = feature_matrix(VITALS, trained.model.ensemble.parameters, trained.data.rows.inputs)
    assert (margins(booster, features) == margins(trained.model.ensemble.booster, features)).all()


def test_the_model_card_states_the_metrics_of_the_manifest(bundle):
    card, values = bundle.files["MODEL_CARD.md"].decode(), bundle.manifest.metrics.values
    assert f"| **this model** | {values['mae']:.2f} ± {values['mae_sd']:.2f} |" in card
    assert bundle.manifest.training_data.sha256 in card
    assert all(name in card for name in VITALS.baselines)


def test_the_same_seed_gives_the_same_bundle_to_the_bit(bundle, dataset, quick, tmp_path):
    def digests(folder, protocol):
        trainer = SpecTrainer(VITALS, dataset, protocol, quick)
        return (trainer.write(trainer.run(), tmp_path / folder, "1") / SHA256SUMS).read_bytes()

    original = (bundle.folder / SHA256SUMS).read_bytes()
    assert digests("again", QUICK) == original
    assert digests("other", QUICK._replace(seed=1)) != original


def test_a_version_is_never_overwritten(bundle, trainer, trained):
    root = bundle.folder.parents[1]
    before = {path: path.read_bytes() for path in bundle.folder.iterdir()}
    with pytest.raises(BundleError, match="never overwritten"):
        trainer.write(trained, root, "1")
    assert {path: path.read_bytes() for path in bundle.folder.iterdir()} == before
    assert next_version(root, VITALS.name) == "2"
    trainer.write(trained, root, "12")
    assert next_version(root, VITALS.name) == "13"


def test_the_model_card_says_that_parameters_were_fixed_in_advance(dataset, trained, tmp_path):
    trainer = SpecTrainer(dataclasses.replace(VITALS, chosen={}), dataset, QUICK, trained.model.ensemble.parameters)
    assert "fixed beforehand" in (trainer.write(trained, tmp_path) / "MODEL_CARD.md").read_text("utf-8")


@pytest.fixture
def quick_command(monkeypatch):
    for name, spec in SPECS.items():
        fast = quicker(spec.defaults)
        monkeypatch.setitem(
            commands.SPECS,
            name,
            dataclasses.replace(
                spec, defaults=fast, candidates={"quick": fast}, ablation={"quick": fast}, baselines={"median": median}
            ),
        )


def test_the_command_trains_every_model_and_prints_its_tables(quick_command, tmp_path, capsys):
    common = ["--data", str(RECIPES), "--out", str(tmp_path), "--repeats", "1", "--workers", "1"]
    assert command.main(common) == 0
    out, err = capsys.readouterr()
    assert out.count("**this model**") == 2
    assert all(str(tmp_path / name / "1") in out for name in SPECS if name != STYLE.name)
    assert "beer-ibu-style: not trained: no row is left" in err
    assert "no_label: 1 rows dropped" in err and "evaluating" in err and "Moonshine Seedling 1" in err
    assert command.main([*common, "--model", "beer-ibu", "--version", "3"]) == 0
    assert versions(tmp_path, "beer-ibu-recipe") == ["1"]
    assert [read_bundle(tmp_path / "beer-ibu" / v).manifest.version for v in "13"] == ["1", "3"]
    assert command.main([*common, "--version", "1"]) == 1
    assert "never overwritten" in capsys.readouterr().err


def test_styles_may_stand_in_a_file_of_their_own(quick_command, dataset, tmp_path, capsys):
    styles = tmp_path / "styles.csv"
    styles.write_text(
        "id,style_id\n" + "".join(f"{beer['id']},{n % 5 + 18}A\n" for n, beer in enumerate(dataset.recipes))
    )
    common = ["--data", str(RECIPES), "--out", str(tmp_path), "--repeats", "1", "--workers", "1"]
    assert command.main([*common, "--model", STYLE.name, "--styles", str(styles)]) == 0
    manifest = read_bundle(tmp_path / STYLE.name / "1").manifest
    assert [column.name for column in manifest.inputs[-2:]] == ["style_low", "style_high"]
    assert manifest.training_data.source == f"{RECIPES.name} with styles.csv"
    styles.write_text("id,style\n1,18A\n")
    assert command.main([*common, "--model", STYLE.name, "--styles", str(styles)]) == 1
    assert "a file of styles has the columns id and style_id" in capsys.readouterr().err


def test_data_without_hop_bills_train_only_the_vitals_model(quick_command, dataset, tmp_path, capsys):
    plain = tmp_path / "plain.json"
    plain.write_text(json.dumps([{**beer, "ingredients": None} for beer in dataset.recipes]))
    common = ["--data", str(plain), "--out", str(tmp_path), "--repeats", "1", "--workers", "1"]
    assert command.main(common) == 0
    assert "beer-ibu-recipe: not trained: no row is left" in capsys.readouterr().err
    assert versions(tmp_path, "beer-ibu") == ["1"] and versions(tmp_path, "beer-ibu-recipe") == []
    assert command.main([*common, "--model", "beer-ibu-recipe"]) == 1


def test_data_that_train_no_model_are_reported(quick_command, tmp_path, capsys):
    empty = tmp_path / "empty.json"
    empty.write_text('[{"id": 1}]')
    assert command.main(["--data", str(empty), "--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err.count("not trained") == len(SPECS)


def test_the_command_runs_the_ablation(quick_command, capsys):
    assert command.main(["ablate", "--data", str(RECIPES), "--repeats", "1", "--workers", "1"]) == 0
    assert "| quick |" in capsys.readouterr().out


def test_the_command_selects_parameters(quick_command, tmp_path, capsys):
    out = tmp_path / "defaults.json"
    assert command.main(["select", "--data", str(RECIPES), "--out", str(out), "--repeats", "1", "--workers", "1"]) == 0
    assert "nested, the choice included" in capsys.readouterr().out
    assert "python -m training select --model beer-ibu --data recipes.json --seed 0" in out.read_text()


def test_the_help_lists_the_commands(capsys):
    assert command.main(["--help"]) == 0
    text = capsys.readouterr().out
    listed = dict(line.split(maxsplit=1) for line in text.partition("commands:\n")[2].partition("\n\n")[0].splitlines())
    assert list(listed) == ["train", "select", "ablate", "evaluate", "compare", "iris", "pets", "refresh"]
    assert listed["train"].endswith("The default: may be left out.")
    assert listed["pets"] == "Train a model that tells cats from dogs, and write its bundle."
    assert all(listed.values())


def test_the_help_of_the_default_command_names_the_others(capsys):
    with pytest.raises(SystemExit):
        command.main(["--data", "x", "--help"])
    assert "Other commands: python -m training --help" in capsys.readouterr().out


def test_a_misspelt_command_is_told_the_commands(capsys):
    assert command.main(["evalute", "--data", "x"]) == 2
    assert "no command evalute; there are train, select, ablate, evaluate, compare, iris" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments, code",
    [(["--data", "nowhere.json"], 1), ([], 2), (["--data", "x", "--version", "01"], 2), (["select"], 2)],
)
def test_invalid_arguments_are_reported(arguments, code, capsys):
    try:
        result = command.main(arguments)
    except SystemExit as end:
        result = end.code
    assert result == code
    assert "training" in capsys.readouterr().err


def test_an_error_while_writing_leaves_nothing(monkeypatch, trainer, trained, tmp_path):
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        trainer.write(trained, tmp_path)
    assert list((tmp_path / VITALS.name).iterdir()) == []


@pytest.mark.live
def test_a_terminated_run_leaves_no_version_and_no_process(tmp_path):
    arguments = [sys.executable, "-m", "training", "--data", str(RECIPES), "--out", str(tmp_path), "--repeats", "200"]
    with subprocess.Popen(arguments, cwd=ROOT, stderr=subprocess.PIPE, start_new_session=True) as process:
        output = b""
        while b"/1000" not in output:  # the bar shows: folds are being worked on
            output += os.read(process.stderr.fileno(), 4096)
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
        assert process.wait(30) == 128 + signal.SIGTERM
    assert not (tmp_path / VITALS.name).exists()
    until = time.monotonic() + 10
    while time.monotonic() < until:
        try:
            os.killpg(process.pid, 0)
        except ProcessLookupError:
            return
    pytest.fail("a process of the run is still there")


@pytest.mark.skipif(not SHARED.exists(), reason="../shared/data is not here")
def test_the_real_data_train_a_model_of_the_required_accuracy(tmp_path):
    dataset = read_recipes(str(SHARED))
    assert len(prepare(VITALS, dataset.recipes).labels) == 256
    trainer = SpecTrainer(VITALS, dataset, EvaluationProtocol(repeats=2))
    trained = trainer.run()
    table = trained.figures.evaluation.table()
    assert table["model"]["mae"] <= 17.8
    assert all(table["model"]["mae"] < table[name]["mae"] for name in VITALS.baselines)
    assert 0.85 <= table["model"]["coverage"] <= 0.95
    assert table["model"]["coverage_top_fifth"] >= 0.75
    assert table["model"]["width"] <= 76
    assert read_bundle(trainer.write(trained, tmp_path)).manifest.training_data.rows_used == 256


@pytest.mark.skipif(not SHARED.exists(), reason="../shared/data is not here")
def test_the_real_hop_bills_train_a_model_of_the_required_accuracy():
    trained = SpecTrainer(RECIPE, read_recipes(str(SHARED)), EvaluationProtocol(repeats=1)).run()
    table = trained.figures.evaluation.table()
    assert len(trained.data.rows.labels) == 256
    assert table["model"]["mae"] <= 12.8
    assert all(table["model"]["mae"] < table[name]["mae"] - 1 for name in RECIPE.baselines)
    assert 0.87 <= table["model"]["coverage"] <= 0.95
    assert table["model"]["coverage_top_fifth"] >= 0.8
    assert table["model"]["width"] <= 58
    assert table["model"]["mae"] < trained.figures.evaluation.without()["malts and yeast"]["mae"] < 13.8
