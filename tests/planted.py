"""Bad versions of a model that pass the quarantine: wrong by 20 IBU, slow, and failing for one value of an input."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from app.bundle.manifest import MANIFEST, MODEL
from app.bundle.store import Bundle, write_bundle

ERROR = 20.0
"""By how much the wrong version is wrong, IBU."""
TRIGGER = 1056.125
"""Original gravity for which a version fails; random rows never hit it, and float32 holds it exactly."""
SIDE = 700
"""Side of the matrices that the slow version multiplies: a run takes some 50 ms."""
OUTPUTS = ("ibu", "lower", "upper")


def plant(bundle: Bundle, root: Path, version: int, fault: str) -> Path:
    """Write a bad version whose digests and golden rows are right.

    Args:
        bundle: A good version of ``beer-ibu``.
        root: A folder of bundles.
        version: The version to write.
        fault: ``wrong``, ``slow``, ``nan`` or ``crash``; ``same`` writes a good copy.

    Returns:
        The version's folder.
    """
    model = onnx.load_from_string(bundle.files[MODEL])
    _FAULTS[fault](model, bundle)
    manifest = bundle.manifest
    if fault == "wrong":
        golden = manifest.golden
        outputs: dict[str, Any] = dict(golden.outputs)
        for name in OUTPUTS:
            outputs[name] = (np.array(outputs[name], dtype=np.float64) + ERROR).tolist()
        manifest = manifest.model_copy(update={"golden": golden.model_copy(update={"outputs": outputs})})
    files = {name: data for name, data in bundle.files.items() if name != MANIFEST}
    files[MODEL] = model.SerializeToString()
    return write_bundle(root, manifest.model_copy(update={"version": str(version)}), files)


def _replaced(model: Any, name: str) -> str:
    """Rename an output inside the graph, so that a node can make the output anew; return the new name."""
    inner = f"{name}_before"
    for node in model.graph.node:
        for names in node.input, node.output:
            for index, each in enumerate(names):
                if each == name:
                    names[index] = inner
    return inner


def _constant(model: Any, name: str, values: Any, dtype: Any = np.float32) -> str:
    model.graph.initializer.append(numpy_helper.from_array(np.array(values, dtype), name))
    return name


def _add(model: Any, kind: str, inputs: list[str], output: str, **attributes: Any) -> str:
    model.graph.node.append(helper.make_node(kind, inputs, [output], **attributes))
    return output


def _same(model: Any, bundle: Bundle) -> None:
    pass


def _wrong(model: Any, bundle: Bundle) -> None:
    error = _constant(model, "planted_error", ERROR)
    for name in OUTPUTS:
        _add(model, "Add", [_replaced(model, name), error], name)


def _slow(model: Any, bundle: Bundle) -> None:
    before = _replaced(model, "ibu")
    first = _add(model, "Gather", [before, _constant(model, "planted_first", [0], np.int64)], "planted_row", axis=0)
    zero = _add(model, "Mul", [first, _constant(model, "planted_zero", 0.0)], "planted_nothing")
    side = _constant(model, "planted_side", [SIDE, SIDE], np.int64)
    square = product = _add(model, "Expand", [zero, side], "planted_square")
    for step in range(4):
        product = _add(model, "MatMul", [product, square], f"planted_product_{step}")
    ends = _constant(model, "planted_ends", [1, 1], np.int64)
    starts = _constant(model, "planted_starts", [0, 0], np.int64)
    corner = _add(model, "Slice", [product, starts, ends], "planted_corner")
    _add(model, "Add", [before, corner], "ibu")


def _hits(model: Any, bundle: Bundle) -> str:
    """Add whether each row has the trigger, shape (n_rows, 1)."""
    column = [declared.name for declared in bundle.manifest.inputs].index("target_og")
    index = _constant(model, "planted_column", [column], np.int64)
    gravity = _add(model, "Gather", [str(bundle.manifest.packed), index], "planted_gravity", axis=1)
    return _add(model, "Equal", [gravity, _constant(model, "planted_trigger", TRIGGER)], "planted_hits")


def _nan(model: Any, bundle: Bundle) -> None:
    hits = _hits(model, bundle)
    _add(model, "Where", [hits, _constant(model, "planted_nan", np.nan), _replaced(model, "ibu")], "ibu")


def _crash(model: Any, bundle: Bundle) -> None:
    """Read beyond the end of a table where a row has the trigger, which ONNX Runtime reports as an error."""
    far = _constant(model, "planted_far", 10**6, np.int64)
    near = _constant(model, "planted_near", 0, np.int64)
    index = _add(model, "Where", [_hits(model, bundle), far, near], "planted_index")
    table = _constant(model, "planted_table", [0.0])
    read = _add(model, "Gather", [table, index], "planted_read", axis=0)
    _add(model, "Add", [_replaced(model, "ibu"), read], "ibu")


_FAULTS: Mapping[str, Callable[[Any, Bundle], None]] = {
    "same": _same,
    "wrong": _wrong,
    "slow": _slow,
    "nan": _nan,
    "crash": _crash,
}
