"""The interval of a beer model: calibrated at `level`, declared as `coverage`."""

import numpy as np

from training.beer.vitals import VITALS
from training.model import fit


def test_the_level_sets_the_width_and_the_coverage_does_not(data, quick):
    def shifts(**changed):
        model = fit(VITALS, quick.model_copy(update=changed), data, seed=0)
        return model.lower.shift, model.upper.shift

    narrow, wide = shifts(level=0.5, coverage=0.9), shifts(level=0.95, coverage=0.9)
    assert narrow[0] > wide[0] and narrow[1] < wide[1]
    assert shifts(level=0.5, coverage=0.6) == narrow


def test_the_manifest_declares_the_coverage_and_not_the_level(trainer, trained):
    assert (trainer.parameters.coverage, trainer.parameters.level) == (0.9, 0.88)
    assert trainer.manifest(trained, "1").coverage == 0.9


def test_the_interval_covers_the_level_of_the_held_out_rows(data, quick):
    level = 0.6
    model = fit(VITALS, quick.model_copy(update={"level": level}), data, seed=0)
    _, lower, upper = model.predict(data.inputs).T
    inside = np.mean((lower <= data.labels) & (data.labels <= upper))
    assert level - 0.05 <= inside <= 0.85  # rows that the model has seen are easier than those left out
