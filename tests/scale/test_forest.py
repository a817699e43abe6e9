"""Trees that are run for many rows at once give the bits that ONNX Runtime gives."""

import numpy as np
import onnx
import pytest

from app.composition.domains import load_manager
from app.domains.beer.api import BeerApi
from app.models.loaded import LoadedModel
from app.scoring.forest import ROWS, Forest, NotFast, quick_run
from app.settings import ModelSettings
from tests.committed import committed

OUTPUTS = ("ibu", "lower", "upper")
MODELS = ("beer-ibu", "beer-ibu-recipe", "beer-ibu-style")


@pytest.fixture(scope="module", params=MODELS)
def loaded(request: pytest.FixtureRequest, model_settings: ModelSettings) -> LoadedModel:
    return load_manager(model_settings, BeerApi)[1].get(request.param)


def graph_of(name: str) -> bytes:
    return (committed(name) / "model.onnx").read_bytes()


def test_the_committed_models_are_run_quickly_to_the_same_bit(loaded: LoadedModel) -> None:
    run = quick_run(loaded, graph_of(loaded.manifest.name))
    assert run is not None
    random = np.random.default_rng(8)
    rows = np.empty((ROWS + 4_000, len(loaded.manifest.inputs)), np.float32)
    for column, declared in enumerate(loaded.manifest.inputs):
        low, high = declared.trained_range or (0.0, 1.0)
        values = random.uniform(low - 1, high + 1, len(rows))
        values[random.random(len(rows)) < 0.1] = np.nan
        values[random.random(len(rows)) < 0.1] = low
        rows[:, column] = values
    found, expected = run(rows), loaded.what_if({"features": rows})
    for name, values in expected.items():
        assert found[name].tobytes() == values.tobytes(), name


def test_bounds_of_comparisons_belong_to_the_same_side(loaded: LoadedModel) -> None:
    forest = Forest(graph_of(loaded.manifest.name), OUTPUTS)
    features = np.array([bound for bounds in forest._bounds for bound in bounds], np.float32)
    rows = np.repeat(features[:, None], len(loaded.manifest.inputs), axis=1)
    expected = loaded.what_if({"features": rows})
    for name, values in forest.run(rows).items():
        assert values.tobytes() == expected[name].tobytes()


def test_a_graph_of_another_kind_is_left_to_onnx_runtime(loaded: LoadedModel) -> None:
    for name in "iris", "cat-dog":
        with pytest.raises(NotFast):
            Forest(graph_of(name), OUTPUTS)
    model = onnx.load_from_string(graph_of(loaded.manifest.name))
    (trees,) = (node for node in model.graph.node if node.op_type == "TreeEnsembleRegressor")
    (weights,) = (each for each in trees.attribute if each.name == "target_weights")
    weights.floats[0] += 1.0
    assert quick_run(loaded, model.SerializeToString()) is None
