"""The check of a graph: it may name no file, no custom operator and no work without a bound."""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import GraphProto, ModelProto, TensorProto, helper, numpy_helper

from app.bundle import graph
from app.bundle.graph import check_graph
from app.bundle.manifest import MODEL
from app.bundle.store import Bundle
from app.errors import BundleError

FLOAT = TensorProto.FLOAT
Change = Callable[[ModelProto], object]


def simple() -> ModelProto:
    """``y = x + w``"""
    nodes = [helper.make_node("Add", ["x", "w"], ["y"])]
    values = [helper.make_tensor_value_info(name, FLOAT, [1]) for name in "xy"]
    weights = [numpy_helper.from_array(np.zeros(1, np.float32), "w")]
    inner = helper.make_graph(nodes, "g", values[:1], values[1:], weights)
    return helper.make_model(inner, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def external(location: str = ".env") -> TensorProto:
    tensor = TensorProto(name="w", data_type=TensorProto.UINT8, dims=[8], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=location)
    return tensor


def inside(tensor: TensorProto) -> GraphProto:
    return helper.make_graph([], "inside", [], [helper.make_tensor_value_info("w", FLOAT, [1])], [tensor])


def sparse(tensor: TensorProto) -> onnx.SparseTensorProto:
    made = onnx.SparseTensorProto(dims=[9])
    made.values.CopyFrom(tensor)
    return made


def only_location(model: ModelProto) -> None:
    model.graph.initializer[0].data_location = TensorProto.EXTERNAL


def only_path(model: ModelProto) -> None:
    model.graph.initializer[0].external_data.add(key="location", value=".env")


def attribute(name: str, value: object) -> Change:
    return lambda model: model.graph.node[0].attribute.append(helper.make_attribute(name, value))


EXTERNAL: dict[str, Change] = {
    "initializer": lambda model: model.graph.initializer.append(external()),
    "location alone": only_location,
    "path alone": only_path,
    "sparse initializer": lambda model: model.graph.sparse_initializer.append(sparse(external())),
    "attribute": attribute("value", external()),
    "attributes": attribute("values", [external()]),
    "sparse attribute": attribute("value", sparse(external())),
    "subgraph": attribute("then_branch", inside(external())),
    "subgraphs": attribute("branches", [inside(external())]),
    "subgraph of a subgraph": attribute(
        "then_branch",
        helper.make_graph([helper.make_node("If", [], [], else_branch=inside(external()))], "g", [], []),
    ),
    "address in memory": lambda model: model.graph.initializer.append(external("*/_ORT_MEM_ADDR_/*")),
}


@pytest.mark.parametrize("place", EXTERNAL)
def test_a_tensor_in_another_file_is_rejected_wherever_it_is(place: str) -> None:
    model = simple()
    EXTERNAL[place](model)
    with pytest.raises(BundleError, match=r"model\.onnx cannot be loaded: a tensor is in another file"):
        check_graph(model.SerializeToString())


def test_the_runtime_would_read_that_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shows that the check is needed, and that without it the options of `OnnxPredictor` prevent the same."""
    from app.runtime.onnx import _options

    (tmp_path / ".env").write_bytes(b"API_KEY=secret")
    monkeypatch.chdir(tmp_path)
    model = simple()
    model.graph.initializer[0].CopyFrom(external())
    model.graph.node.insert(0, helper.make_node("Cast", ["w"], ["v"], to=FLOAT))
    model.graph.node[1].input[1] = "v"
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("y", FLOAT, [8]))
    data, zero = model.SerializeToString(), {"x": np.zeros(1, np.float32)}
    quiet = onnxruntime.SessionOptions()
    quiet.log_severity_level = 4
    (values,) = onnxruntime.InferenceSession(data, quiet, ["CPUExecutionProvider"]).run(None, zero)
    assert bytes(values.astype(np.uint8)) == b"API_KEY="
    with pytest.raises(Exception, match="xternal data path"):
        onnxruntime.InferenceSession(data, _options(), ["CPUExecutionProvider"])


def test_all_its_field_numbers_are_those_of_onnx() -> None:
    names: dict[int, Any] = {
        graph._MODEL: onnx.ModelProto,
        graph._GRAPH: onnx.GraphProto,
        graph._NODE: onnx.NodeProto,
        graph._ATTRIBUTE: onnx.AttributeProto,
        graph._TENSOR: onnx.TensorProto,
        graph._SPARSE: onnx.SparseTensorProto,
        graph._ENTRY: onnx.StringStringEntryProto,
    }
    kinds = {kind.DESCRIPTOR.name: number for number, kind in names.items()}
    for number, kind in names.items():
        parts = {
            f.number: kinds[f.message_type.name]
            for f in kind.DESCRIPTOR.fields
            if f.message_type and f.message_type.name in kinds
        }
        if number in (graph._GRAPH, graph._NODE, graph._TENSOR):  # their metadata go nowhere
            parts = {field: part for field, part in parts.items() if part != graph._ENTRY}
        assert graph._PARTS[number] == parts
    assert onnx.NodeProto.DESCRIPTOR.fields_by_name["domain"].number == graph._NODE_DOMAIN
    assert onnx.NodeProto.DESCRIPTOR.fields_by_name["op_type"].number == graph._NODE_OPERATOR
    assert onnx.TensorProto.DESCRIPTOR.fields_by_name["data_location"].number == graph._TENSOR_LOCATION


OTHERS: dict[str, tuple[Change, str]] = {
    "custom operator": (lambda m: setattr(m.graph.node[0], "domain", "com.microsoft"), "custom operator"),
    "custom operator in a subgraph": (
        attribute("then_branch", helper.make_graph([helper.make_node("F", [], [], domain="f")], "g", [], [])),
        "custom operator",
    ),
    "training": (lambda m: m.training_info.add(), "training graph"),
    "functions": (lambda m: m.functions.add(name="f", domain="f"), "functions of its own"),
    "options": (lambda m: m.metadata_props.add(key="ort_config", value="{}"), "options for ONNX Runtime"),
    "Loop": (lambda m: setattr(m.graph.node[0], "op_type", "Loop"), "operators Loop, Scan"),
    "Scan": (lambda m: setattr(m.graph.node[0], "op_type", "Scan"), "operators Loop, Scan"),
    "nodes": (lambda m: m.graph.node.extend([m.graph.node[0]] * graph.MAX_NODES), "more than 20000 nodes"),
}


@pytest.mark.parametrize("what", OTHERS)
def test_what_may_read_files_or_has_no_bound_is_rejected(what: str) -> None:
    change, reason = OTHERS[what]
    model = simple()
    change(model)
    with pytest.raises(BundleError, match=reason):
        check_graph(model.SerializeToString())


def test_a_deeply_nested_graph_is_rejected() -> None:
    inner = helper.make_graph([], "g", [], [])
    for _ in range(12):
        inner = helper.make_graph([helper.make_node("If", [], [], then_branch=inner)], "g", [], [])
    model = simple()
    model.graph.CopyFrom(inner)
    with pytest.raises(BundleError, match="32 messages inside one another"):
        check_graph(model.SerializeToString())


@pytest.mark.parametrize(
    "data",
    [
        b"\x3a",
        b"\x3a\x05ab",
        b"\x3b\x3c",
        b"\x3f",
        b"\x00\x00",
        b"\xff" * 30,
        b"\x3a\xff\xff\xff\xff\x0f",
        b"\x3a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00",
        b"\x18\x00\x00\x00ORTM",
        b"\x82\x80\x80\x80\x80\x01\x00",
    ],
)
def test_what_is_no_protocol_buffer_is_rejected(data: bytes) -> None:
    with pytest.raises(BundleError, match=r"model\.onnx cannot be loaded: it is "):
        check_graph(data)


def test_a_tag_in_more_bytes_than_necessary_hides_nothing() -> None:
    tensor = b"\x0a\x00" + b"\xea\x80\x80\x00\x00"  # field 13, an empty message
    inner = b"\x2a" + bytes([len(tensor)]) + tensor
    with pytest.raises(BundleError, match="another file"):
        check_graph(b"\x3a" + bytes([len(inner)]) + inner)


def test_fields_are_bounded() -> None:
    with pytest.raises(BundleError, match="more than 1000000 fields"):
        check_graph(b"\x08\x00" * 1_000_001)


def test_committed_graphs_and_mutants_of_them_are_checked_without_another_error(bundle: Bundle) -> None:
    data, chance = bundle.files[MODEL], random.Random(13)
    check_graph(data)
    for _ in range(100):
        mutant = bytearray(data)
        for _ in range(chance.randint(1, 4)):
            mutant[chance.randrange(min(len(mutant), 3000))] = chance.randrange(256)
        try:
            check_graph(bytes(mutant))
        except BundleError:
            continue
