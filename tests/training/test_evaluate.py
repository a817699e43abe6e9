"""The protocol does not leak, and its figures do not depend on the number of processes."""

import dataclasses

import numpy as np
import pytest

from tests.training.quick import QUICK
from training import evaluate as protocol_module
from training.baselines import Curve, PlainXGBoost, linear, median
from training.beer.vitals import VITALS
from training.evaluate import EvaluationProtocol, evaluate, leaking_rmse
from training.spec import Data


def _spec(**baselines):
    return dataclasses.replace(VITALS, baselines=baselines)


def test_no_model_sees_a_held_out_group(data, quick, monkeypatch):
    seen = []

    def spy(spec, parameters, part, seed):
        seen.append(part)
        return fit(spec, parameters, part, seed)

    fit = protocol_module.fit
    monkeypatch.setattr(protocol_module, "fit", spy)
    evaluate(_spec(), quick, data, QUICK)
    groups = set(data.groups)
    assert len(seen) == QUICK.folds * QUICK.repeats
    for part in seen:
        kept = set(part.groups)
        assert kept < groups
        assert all((part.groups == group).sum() == (data.groups == group).sum() for group in kept)


def test_every_beer_is_predicted_once_per_repeat_and_repeats_differ(trained):
    predicted = trained.figures.evaluation.predicted
    assert predicted.shape == (QUICK.repeats, len(trained.data.rows.labels), 3)
    assert np.isfinite(predicted).all()
    assert (predicted[0] != predicted[1]).any()


def test_processes_do_not_change_the_figures(data, quick, trained):
    result = evaluate(_spec(median=median), quick, data, QUICK._replace(workers=2))
    assert (result.predicted == trained.figures.evaluation.predicted).all()


def test_table_and_paired_differences_agree(trained):
    table, paired = trained.figures.evaluation.table(), trained.figures.evaluation.paired()
    assert list(table) == [*VITALS.baselines, "model"]
    for name in VITALS.baselines:
        assert paired[name]["mae_difference"] == pytest.approx(table["model"]["mae"] - table[name]["mae"], abs=1e-4)
        assert paired[name]["low"] <= paired[name]["mae_difference"] <= paired[name]["high"]
    assert sum(band["rows"] for band in trained.figures.evaluation.by_band()) == len(trained.data.rows.labels)


def test_the_model_beats_the_median_on_the_invented_beers(trained):
    table = trained.figures.evaluation.table()
    assert table["model"]["mae"] < table["median"]["mae"]


def test_row_wise_folds_are_optimistic_for_repeated_beers(data, quick):
    rng = np.random.default_rng(0)
    beers = np.repeat(np.arange(len(data.labels)), 3)
    noise = Data(data.inputs[beers], rng.permutation(data.labels)[beers], beers)
    steep = quick.model_copy(update={"centre": quick.centre.model_copy(update={"rounds": 100, "reg_lambda": 0.1})})
    leaking = leaking_rmse(_spec(plain=PlainXGBoost(rounds=100)), steep, noise, 0)
    honest = evaluate(_spec(plain=PlainXGBoost(rounds=100)), steep, noise, EvaluationProtocol(3, 1, 0, 1)).table()
    assert leaking["plain"] < 0.6 * honest["plain"]["rmse"]
    assert leaking["model"] < 0.9 * honest["model"]["rmse"]


def test_baselines_predict_as_described():
    gravity = np.linspace(1020, 1110, 40, dtype=np.float32)
    train = np.column_stack([gravity, gravity]).astype(np.float32)
    train[3, 0] = np.nan
    curved = (70 * (1 - np.exp(-(gravity - 1000) / 30))).astype(np.float32)
    assert Curve(column=1)(train, curved, train) == pytest.approx(curved, abs=0.5)
    assert linear(train, gravity - 1000, train)[4:] == pytest.approx(gravity[4:] - 1000, abs=1.5)
    assert median(train, curved, train[:2]) == pytest.approx(np.median(curved))
    assert PlainXGBoost()(train, curved, train) == pytest.approx(curved, abs=0.5)


def test_the_same_models_answer_without_malts_and_yeast(trained_recipe):
    evaluation = trained_recipe.figures.evaluation
    hidden = evaluation.withheld["malts and yeast"]
    assert hidden.shape == evaluation.predicted.shape
    assert (hidden != evaluation.predicted).any() and np.isfinite(hidden).all()
    unfilled = np.isnan(trained_recipe.data.rows.inputs[:, -4:]).all(axis=1)
    assert (hidden[:, unfilled] == evaluation.predicted[:, unfilled]).all()
    assert evaluation.without()["malts and yeast"]["mae"] != evaluation.table()["model"]["mae"]
