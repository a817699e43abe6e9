"""The contract: from the tensors of a call to the arrays that a model takes, as its manifest declares them."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from app.bundle.manifest import Input, Manifest, Output
from app.errors import InputError, Problem
from app.oip.tensors import DTYPES, Tensor, all_finite, refused
from app.runtime.predictor import Array

MOST_ROWS = 100_000
"""Rows of one call; what they take in memory is bounded by each door's largest message."""

Checked = Sequence[tuple[int, Mapping[str, object]]]
"""Row number and warning, as the domain tells it."""
Check = Callable[[Array], Checked]
"""A domain's own look at the packed rows of one version, shape (n_rows, n_inputs), float32; raises InputError where the
typed face would."""
CheckKind = Callable[[Manifest], Check]
"""Makes a version's check."""


class Contract:
    """What one version takes and gives."""

    def __init__(self, manifest: Manifest) -> None:
        """Initialize the contract.

        Args:
            manifest: Of the version.
        """
        self.manifest = manifest
        self._inputs = {declared.name: declared for declared in manifest.inputs}
        self._outputs = {declared.name: declared for declared in manifest.outputs}
        self.packed = _packed(manifest)
        """The one tensor that may stand for all inputs; None: the model takes them one by one."""
        self._required = np.array([not declared.optional for declared in manifest.inputs])

    def chosen(self, names: Sequence[str]) -> list[Output]:
        """The outputs that a call asks for; all where it names none.

        Raises:
            InputError: There is no such output, or one is named twice.
        """
        if not names:
            return list(self.manifest.outputs)
        if len(set(names)) != len(names):
            raise InputError([Problem("outputs", "doubled", "names an output twice")])
        if not self._outputs.keys() >= set(names):
            have = ", ".join(self._outputs)
            raise InputError([Problem("outputs", "unknown", f"names an output that the model has not; it has {have}")])
        return [self._outputs[name] for name in names]

    def arrays(self, tensors: Sequence[Tensor]) -> dict[str, Array]:
        """What the model takes.

        Args:
            tensors: The packed tensor, or one an input; optional ones may be left out.

        Returns:
            What `Predictor.predict` takes.

        Raises:
            InputError: An input is missing, unknown, doubled, or not as declared.
        """
        given = {tensor.name: tensor for tensor in tensors}
        if len(given) != len(tensors):
            raise refused("", "doubled", "holds an input twice")
        packed = self.packed
        if packed is not None and packed.name in given:
            if len(given) > 1:
                raise refused("", "unknown", f"holds more than {packed.name}, which stands for all inputs")
            rows = _as_declared(packed, given[packed.name])
            self._complete(rows)
            return {packed.name: rows}
        if not self._inputs.keys() >= given.keys():
            have = ", ".join((*self._inputs, *((packed.name,) if packed else ())))
            raise refused("", "unknown", f"holds an input that the model has not; it has {have}")
        return self._one_by_one(given)

    def _one_by_one(self, given: dict[str, Tensor]) -> dict[str, Array]:
        missing = [d.name for d in self.manifest.inputs if d.name not in given and not d.optional]
        if missing:
            raise InputError([Problem(f"inputs.{name}", "missing", "is required") for name in missing])
        arrays = {name: _as_declared(self._inputs[name], tensor) for name, tensor in given.items()}
        counts = {len(array) for array in arrays.values()}
        if not counts:
            raise refused("", "missing", "holds no input")
        if len(counts) > 1:
            raise refused("", "shape", "holds inputs with different numbers of rows")
        if self.manifest.packed is None:
            for name, array in arrays.items():
                _finite(self._inputs[name], array)
            return arrays
        absent = np.full((counts.pop(), 1), np.nan, dtype=np.float32)
        rows = np.concatenate([arrays.get(name, absent) for name in self._inputs], axis=1)
        self._complete(rows)
        return {self.manifest.packed: rows}

    def _complete(self, rows: Array) -> None:
        if all_finite(rows):
            return
        wrong = ~np.isfinite(rows)
        wrong &= self._required | ~np.isnan(rows)
        for column in np.flatnonzero(wrong.any(axis=0)).tolist():
            name = self.manifest.inputs[column].name
            raise refused(name, "finite_number", f"row {int(wrong[:, column].argmax())}: must be a finite number")


def _finite(declared: Input, array: Array) -> None:
    wrong = ~np.isfinite(array)
    if declared.optional:
        wrong &= ~np.isnan(array)
    if wrong.any():
        row = int(wrong.reshape(len(array), -1).any(axis=1).argmax())
        raise refused(declared.name, "finite_number", f"row {row}: must hold finite numbers")


def _packed(manifest: Manifest) -> Input | None:
    if manifest.packed is None:
        return None
    names = ", ".join(declared.name for declared in manifest.inputs)
    shape = (-1, len(manifest.inputs))
    return Input(name=manifest.packed, datatype="FP32", shape=shape, unit="", description=f"columns {names}")


def _as_declared(declared: Input, tensor: Tensor) -> Array:
    name, shape = declared.name, tensor.data.shape
    if tensor.datatype != declared.datatype:
        raise refused(name, "datatype", f"must be {declared.datatype}")
    if len(shape) != len(declared.shape):
        raise refused(name, "rank", f"must have {len(declared.shape)} dimensions: {list(declared.shape)}")
    if any(want not in (-1, have) for want, have in zip(declared.shape, shape, strict=True)):
        raise refused(name, "shape", f"must have the shape {list(declared.shape)}")
    if not 1 <= shape[0] <= MOST_ROWS:
        raise refused(name, "rows", f"must have 1 to {MOST_ROWS} rows")
    return tensor.data.astype(DTYPES[declared.datatype], copy=False)
