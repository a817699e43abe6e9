"""The basis of explanations: groups with every input once, and representative background rows."""

import numpy as np
import pytest

from app.bundle.store import read_bundle
from app.models.loaded import LoadedModel
from app.runtime.onnx import OnnxPredictor
from app.telemetry.metrics import Registry
from tests.committed import committed
from training.beer.catalogue import SPECS
from training.reasons import explanation, spread
from training.spec import groups


def test_background_rows_are_spread_over_the_answers():
    answers = np.random.default_rng(0).permutation(np.arange(100, dtype=np.float32))
    assert sorted(answers[spread(answers, 4)]) == [12, 37, 62, 87]
    assert sorted(spread(answers[:3], 10)) == [0, 1, 2]


def test_background_rows_are_unchanged_rows_of_the_data(trained):
    answers = trained.model.predict(trained.data.rows.inputs)[:, 0]
    result = explanation(trained.model.ensemble.spec, trained.data.rows.inputs, answers)
    columns = [[np.nan if v is None else v for v in column] for column in result.background.values()]
    rows = np.array(columns, np.float32).T
    assert rows.shape == (32, 6)
    known = {row.tobytes() for row in trained.data.rows.inputs}
    assert all(row.tobytes() in known for row in rows)
    assert np.isnan(rows).any()
    assert trained.model.predict(rows)[:, 0].mean() == pytest.approx(answers.mean(), abs=1)


@pytest.mark.parametrize("name", SPECS)
def test_the_explanations_of_released_bundles_add_up(name):
    predictor = OnnxPredictor(read_bundle(committed(name)))
    model = LoadedModel(predictor, Registry())
    golden, inputs = predictor.manifest.golden, predictor.manifest.inputs
    for number, ibu in enumerate(golden.outputs["ibu"]):
        values = [golden.inputs[i.name][number] for i in inputs]
        row = np.array([np.nan if v is None else v for v in values], np.float32)
        reasons = model.explain(row)
        assert [group for group, _ in reasons.contributions] == list(groups(SPECS[name]))
        assert reasons.base_value + sum(share for _, share in reasons.contributions) == pytest.approx(ibu, abs=1e-2)
