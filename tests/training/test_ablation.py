"""The ablation is measured on the reported folds, each variant by models that were not trained on the beer's group."""

import dataclasses
import pickle

import numpy as np
import pytest

from tests.training.quick import QUICK, quicker
from training.ablation import ablate
from training.beer.catalogue import SPECS
from training.beer.recipe import ABLATION, RECIPE
from training.beer.vitals import VITALS
from training.evaluate import reported_folds
from training.held_out import FoldTask, predict_held_out


def test_the_models_own_row_is_its_reported_figure(trained, data, quick):
    spec = dataclasses.replace(VITALS, ablation={"own": quick})
    result = ablate(spec, data, QUICK)
    assert list(result) == [*VITALS.baselines, "own"]
    reported = trained.figures.evaluation.table()
    assert result["own"]["mae"] == pytest.approx(reported["model"]["mae"], abs=1e-6)
    assert result["median"] == reported["median"]


def test_specs_can_be_sent_to_other_processes():
    for spec in SPECS.values():
        assert pickle.loads(pickle.dumps(spec)).defaults == spec.defaults


def test_no_model_sees_a_held_out_group(data):
    def spy(inputs, labels, test):
        seen = {row.tobytes() for row in inputs}
        assert len(seen & {row.tobytes() for row in test}) == 0
        return np.zeros(len(test), np.float32)

    for fold in reported_folds(data.groups, QUICK):
        assert (predict_held_out(FoldTask(VITALS, spy, data, fold, 0)) == 0).all()


def test_variants_range_from_the_curve_alone_to_trees_over_the_bill(trained_recipe):
    features = {name: set(variant.features) for name, variant in ABLATION.items()}
    own = features["+ malts and yeast (this model)"]
    assert features["the curve of iso-alpha acid alone"] < features["+ colour and pH"] < features["+ malts"] < own
    assert own < features["this model, and trees over the bill by stage"]
    alone, whole = "the curve of iso-alpha acid alone", "+ malts and yeast (this model)"
    spec = dataclasses.replace(
        RECIPE, baselines={}, ablation={name: quicker(ABLATION[name]) for name in (alone, whole)}
    )
    result = ablate(spec, trained_recipe.data.rows, QUICK)
    assert result[alone]["mae"] != result[whole]["mae"]
