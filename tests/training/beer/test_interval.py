"""The interval of a beer model: calibrated at its coverage, on the mean of several splits."""

from dataclasses import replace

import numpy as np

from training.beer.vitals import VITALS
from training.export import random_inputs
from training.model import fit, outputs_of


def test_a_higher_coverage_widens_the_interval(data, quick):
    def shifts(coverage):
        model = fit(VITALS, quick.model_copy(update={"coverage": coverage}), data, seed=0)
        return model.lower.shift, model.upper.shift

    narrow, wide = shifts(0.5), shifts(0.95)
    assert narrow[0] > wide[0] and narrow[1] < wide[1]


def test_every_split_has_a_part_in_the_width(data, quick):
    shifts = [
        fit(VITALS, quick.model_copy(update={"calibration_splits": splits}), data, seed=0).upper.shift
        for splits in (1, 2, 3)
    ]
    assert len(set(shifts)) == 3


def test_the_manifest_declares_the_coverage(trainer, trained):
    assert trainer.manifest(trained, "1").coverage == trainer.parameters.coverage == 0.9


def test_the_coverage_is_given_with_its_uncertainty_over_groups(trained):
    values = trained.figures.values()
    found = values["coverage_range"]
    assert found["low"] < values["coverage"] < found["high"]


def test_the_interval_covers_its_share_of_the_held_out_rows(data, quick):
    model = fit(VITALS, quick.model_copy(update={"coverage": 0.6}), data, seed=0)
    _, lower, upper = model.predict(data.inputs).T
    inside = np.mean((lower <= data.labels) & (data.labels <= upper))
    assert 0.55 <= inside <= 0.85  # rows that the model has seen are easier than those left out


def test_a_narrower_interval_is_inside_a_wider_one(trained, trained_recipe):
    for run in (trained, trained_recipe):
        inputs = np.concatenate([run.data.rows.inputs, random_inputs(run.model.ensemble.spec, 500, 1)])
        found = run.model.predict(inputs, outputs_of(run.model.ensemble.parameters)).T
        ibu, lower, upper, lower_50, upper_50, lower_80, upper_80 = found
        ends = np.stack([np.zeros_like(ibu), lower, lower_80, lower_50, ibu, upper_50, upper_80, upper])
        assert np.diff(ends, axis=0).min() >= -1e-3


def test_no_upper_end_exceeds_the_limit_unless_the_prediction_does(trained):
    model = trained.model
    limited = model.ensemble.parameters.model_copy(update={"most_upper": 50.0})
    ibu, _, upper = (
        replace(model, ensemble=replace(model.ensemble, parameters=limited)).predict(trained.data.rows.inputs).T
    )
    assert (model.predict(trained.data.rows.inputs)[:, 2] > 50).any()
    assert (upper == np.maximum(np.minimum(model.predict(trained.data.rows.inputs)[:, 2], 50), ibu)).all()
