"""The exported graph gives the outputs of the training code; untraceable operations are rejected."""

import dataclasses

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from app.bundle.manifest import MODEL
from tests.committed import committed
from training.beer.catalogue import SPECS
from training.beer.features import vital_features
from training.beer.vitals import VITALS
from training.conformal import Bound
from training.errors import ExportError
from training.export import PACKED, TOLERANCE, graph_bytes, largest_difference, predict_with_graph, random_inputs
from training.model import fit
from training.onnx_graph import model_bytes
from training.scale import Scale
from training.spec import named
from training.tracing import Nodes, Traced

ROW = st.tuples(
    st.floats(0, 70),
    st.floats(900, 1300),
    st.floats(900, 1300),
    *[st.none() | st.floats(low, high) for low, high in ((0, 1000), (0, 600), (2.5, 7))],
)


def _session(graph, output):
    nodes, constants = graph.needed([output.name])
    inputs, outputs = (
        [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", 1])] for name in ("x", output.name)
    )
    session = onnxruntime.InferenceSession(model_bytes(helper.make_graph(nodes, "one", inputs, outputs, constants)))
    return lambda rows: session.run(None, {"x": rows})[0]


def _array(rows):
    return np.array([[np.nan if v is None else v for v in row] for row in rows], dtype=np.float32)


def test_parity_on_all_rows_and_random_ones(trained):
    assert largest_difference(trained.model, trained.graph, trained.data.rows.inputs, 0) <= TOLERANCE


def test_the_graph_has_one_packed_input_and_the_declared_outputs(trained):
    graph = onnx.load_from_string(trained.graph)
    assert [
        (i.name, [d.dim_param or d.dim_value for d in i.type.tensor_type.shape.dim]) for i in graph.graph.input
    ] == [(PACKED, ["n", 6])]
    assert [o.name for o in graph.graph.output] == [
        *("ibu", "lower", "upper"),
        *("lower_50", "upper_50", "lower_80", "upper_80"),
    ]
    assert sum(node.op_type == "TreeEnsembleRegressor" for node in graph.graph.node) == 1
    used = {name for node in graph.graph.node for name in node.input}
    assert {tensor.name for tensor in graph.graph.initializer} <= used


@pytest.mark.parametrize("name", sorted(SPECS))
def test_a_row_gets_the_same_answer_alone_and_in_a_batch_bit_for_bit(name):
    graph = (committed(name) / MODEL).read_bytes()
    rows = random_inputs(SPECS[name], 1003, 5)
    session = onnxruntime.InferenceSession(graph)
    together = session.run(None, {PACKED: rows})
    for index in range(len(rows)):
        alone = session.run(None, {PACKED: rows[index : index + 1]})
        for one, many in zip(alone, together, strict=True):
            assert one[0] == many[index]


@pytest.mark.parametrize("function", [np.log, np.exp])
def test_the_last_bits_of_a_function_do_not_depend_on_the_number_of_rows(function):
    graph = Nodes()
    output = function(Traced(graph, "x"))
    run = _session(graph, output)
    rows = np.random.default_rng(3).uniform(1, 30, (1003, 1)).astype(np.float32)
    together = run(rows)
    assert together == pytest.approx(function(rows), rel=1e-5)
    assert [run(rows[index : index + 1])[0, 0] for index in range(len(rows))] == together[:, 0].tolist()


def test_a_graph_that_differs_is_rejected(trainer, trained):
    upper = trained.model.upper
    other = dataclasses.replace(trained.model, upper=Bound(upper.scale, upper.shift + 0.1))
    with pytest.raises(ExportError, match="differs from the training code by 0.1 IBU; 0.01 is allowed"):
        trainer.check_parity(trained.data, other, trained.graph)
    endless = dataclasses.replace(trained.model, upper=Bound(upper.scale, float("nan")))
    with pytest.raises(ExportError, match="not finite or not 0 <= lower"):
        trainer.check_parity(trained.data, endless, graph_bytes(endless))


@pytest.mark.parametrize(
    "change",
    [
        {"quantiles": ()},
        {"quantiles": (), "score": Scale(kind="log", offset=30.0), "two_sided": True},
        {"quantiles": (), "score": Scale(kind="sqrt")},
        {"features": ("abv", "og", "fg", "colour", "ph", "attenuation", "abv_residual")},
    ],
)
def test_other_shapes_of_the_model_export_as_well(data, quick, change):
    model = fit(VITALS, quick.model_copy(update=change), data, 0)
    assert largest_difference(model, graph_bytes(model), data.inputs, 0) <= TOLERANCE


def test_a_logarithmic_model_exports_as_well(data, quick):
    flat = {"trend": False, "delta": 0.3}
    parameters = quick.model_copy(
        update={
            "target": Scale(kind="log", offset=10.0),
            "quantiles": (),
            "centre": quick.centre.model_copy(update=flat),
        }
    )
    model = fit(VITALS, parameters, data, 0)
    assert largest_difference(model, graph_bytes(model), data.inputs, 0) <= TOLERANCE


@settings(max_examples=50)
@given(rows=st.lists(ROW, min_size=1, max_size=5))
def test_any_accepted_row_is_answered_in_order(trained, rows):
    ibu, lower, upper = predict_with_graph(trained.graph, _array(rows)).T
    assert np.isfinite(upper).all()
    assert ((0 <= lower) & (lower <= ibu) & (ibu <= upper)).all()


@settings(max_examples=100)
@given(row=ROW, more=st.floats(0, 100))
def test_a_stronger_beer_never_gets_a_lower_answer(trained, row, more):
    rows = _array([row, row])
    rows[1, :2] += np.float32([more * 0.13125, more])  # alcohol follows from the gravity
    before, after = predict_with_graph(trained.graph, rows)[:, 0]
    assert after >= before - 1e-3


def test_the_colour_may_be_ebc_or_srm(data):
    given_ebc = data.inputs.copy()
    given_ebc[:, 4] = np.nan
    given_srm = given_ebc.copy()
    given_srm[:, 3], given_srm[:, 4] = np.nan, given_ebc[:, 3] / np.float32(1.97)
    one, other = (vital_features(named(VITALS, rows))["colour"] for rows in (given_ebc, given_srm))
    assert one == pytest.approx(other, rel=1e-6, nan_ok=True)


def test_an_operation_without_an_onnx_counterpart_is_rejected():
    column = Traced(Nodes(), "abv")
    for impossible in (
        lambda: np.sin(column),
        lambda: np.add.reduce(column),
        lambda: np.cumsum(column),
        lambda: np.where(column),
        lambda: column + np.ones(3),
        lambda: column + True,
    ):
        with pytest.raises(ExportError, match="traced"):
            impossible()


def test_the_same_expression_is_one_node():
    graph = Nodes()
    column = Traced(graph, "abv")
    assert (column * 2.0 + 1).name == (column * 2 + 1.0).name
    assert len(graph.nodes) == len(graph.constants) == 2
    assert graph.needed([(column * 2.0).name])[1] == [next(iter(graph.constants.values()))]
