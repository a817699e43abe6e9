"""The signature of a model: converts the tensors of a call to the arrays that the model takes."""

from collections.abc import Container, Mapping, Sequence

import numpy as np

from app.bundle.manifest import Input, Manifest, Output
from app.errors import InputError, Problem
from app.oip.tensors import DTYPES, Tensor, all_finite, each, invalid_input
from app.runtime.predictor import Array

MAX_ROWS = 100_000
"""Maximum number of rows in one call; each transport's message limit bounds their memory."""

RowWarnings = Sequence[tuple[int, Mapping[str, object]]]
"""Row index and warning, as the domain words it."""


class RowValidator:
    """A domain's validation of rows, for one version of a model. This base class accepts every row."""

    def validate(self, rows: Array) -> RowWarnings:
        """Validate rows as the domain API validates its requests.

        Args:
            rows: The packed rows, shape (n_rows, n_inputs), float32, columns in the manifest's order; NaN is a missing
                value. If the model takes its inputs one by one: the first input.

        Returns:
            The warnings, by row.

        Raises:
            InputError: If the domain API would reject a row.
        """
        return ()

    def correct(self, rows: Array) -> Array:
        """Correct valid rows as the domain API corrects its requests; this base class corrects nothing.

        Args:
            rows: The rows, see `validate`.

        Returns:
            The rows, or a changed copy.
        """
        return rows


class ModelSignature:
    """The inputs and outputs of one version."""

    def __init__(self, manifest: Manifest, computed: Container[str] = ()) -> None:
        """Initialize the model signature.

        Args:
            manifest: Manifest of the version.
            computed: Required inputs that may be missing because `complete` computes them.
        """
        self.manifest = manifest
        self._inputs = {declared.name: declared for declared in manifest.inputs}
        self._outputs = {declared.name: declared for declared in manifest.outputs}
        self.packed = _packed(manifest)
        """The one tensor that may stand for all inputs; None if the model takes the inputs one by one."""
        self._required = np.array([not (d.optional or d.name in computed) for d in manifest.inputs])

    def complete(self, rows: Array) -> Array:
        """Compute the inputs that a row lacks although the model requires them; this base class computes none.

        Args:
            rows: The packed rows, shape (n_rows, n_inputs), float32, NaN is missing.

        Returns:
            The rows, or a changed copy.
        """
        return rows

    def select_outputs(self, names: Sequence[str]) -> list[Output]:
        """The outputs that a call names; all outputs if it names none.

        Raises:
            InputError: If an output is unknown or named twice.
        """
        if not names:
            return list(self.manifest.outputs)
        if len(set(names)) != len(names):
            raise InputError([Problem("outputs", "doubled", "names an output twice")])
        if not self._outputs.keys() >= set(names):
            known = ", ".join(self._outputs)
            raise InputError([Problem("outputs", "unknown", f"names an unknown output; the model has {known}")])
        return [self._outputs[name] for name in names]

    def arrays(self, tensors: Sequence[Tensor]) -> dict[str, Array]:
        """Convert the tensors of a call.

        Args:
            tensors: The packed tensor, or one tensor per input; optional inputs may be left out.

        Returns:
            The inputs for `Predictor.predict`.

        Raises:
            InputError: If an input is missing, unknown, doubled, or differs from its declaration.
        """
        by_name = {tensor.name: tensor for tensor in tensors}
        if len(by_name) != len(tensors):
            raise invalid_input("", "doubled", "holds an input twice")
        packed = self.packed
        if packed is not None and packed.name in by_name:
            if len(by_name) > 1:
                raise invalid_input("", "unknown", f"holds more than {packed.name}, which stands for all inputs")
            rows = _as_declared(packed, by_name[packed.name])
            return {packed.name: self._completed(rows)}
        if not self._inputs.keys() >= by_name.keys():
            known = ", ".join((*self._inputs, *((packed.name,) if packed else ())))
            raise invalid_input("", "unknown", f"holds an unknown input; the model has {known}")
        return self._one_by_one(by_name)

    def packed_rows(self, rows: Array) -> Array:
        """Complete packed rows, as `arrays` does.

        Args:
            rows: The packed rows, shape (n_rows, n_inputs), float32, NaN is missing.

        Raises:
            InputError: If a required value is missing, or a value is infinite.
        """
        return self._completed(rows)

    @property
    def required(self) -> list[str]:
        """Names of the inputs that a row must have."""
        names = (declared.name for declared in self.manifest.inputs)
        return [name for name, is_required in zip(names, self._required.tolist(), strict=True) if is_required]

    def _one_by_one(self, tensors: Mapping[str, Tensor]) -> dict[str, Array]:
        given = zip(self.manifest.inputs, self._required.tolist(), strict=True)
        missing = [declared.name for declared, required in given if required and declared.name not in tensors]
        problems = [Problem(f"inputs.{name}", "missing", "is required") for name in missing]
        try:
            converted = each(lambda name: _as_declared(self._inputs[name], tensors[name]), tensors)
        except InputError as error:
            problems += error.problems
        if problems:
            raise InputError(problems)
        arrays = dict(zip(tensors, converted, strict=True))
        counts = {len(array) for array in arrays.values()}
        if not counts:
            raise invalid_input("", "missing", "holds no input")
        if len(counts) > 1:
            raise invalid_input("", "shape", "holds inputs with different numbers of rows")
        if self.manifest.packed is None:
            each(lambda name: _check_finite(self._inputs[name], arrays[name]), arrays)
            return arrays
        absent = np.full((counts.pop(), 1), np.nan, dtype=np.float32)
        rows = np.concatenate([arrays.get(name, absent) for name in self._inputs], axis=1)
        return {self.manifest.packed: self._completed(rows)}

    def _completed(self, rows: Array) -> Array:
        if all_finite(rows):
            return rows
        wrong = ~np.isfinite(rows)
        wrong &= self._required | ~np.isnan(rows)
        columns = np.flatnonzero(wrong.any(axis=0)).tolist()
        if columns:
            raise InputError([self._not_finite(wrong, column) for column in columns])
        return self.complete(rows)

    def _not_finite(self, wrong: Array, column: int) -> Problem:
        name, row = self.manifest.inputs[column].name, int(wrong[:, column].argmax())
        return Problem(f"inputs.{name}", "finite_number", f"row {row}: must be a finite number")


def _check_finite(declared: Input, array: Array) -> None:
    wrong = ~np.isfinite(array)
    if declared.optional:
        wrong &= ~np.isnan(array)
    if wrong.any():
        row = int(wrong.reshape(len(array), -1).any(axis=1).argmax())
        raise invalid_input(declared.name, "finite_number", f"row {row}: must hold finite numbers")


def _packed(manifest: Manifest) -> Input | None:
    if manifest.packed is None:
        return None
    names = ", ".join(declared.name for declared in manifest.inputs)
    shape = (-1, len(manifest.inputs))
    return Input(name=manifest.packed, datatype="FP32", shape=shape, unit="", description=f"columns {names}")


def _as_declared(declared: Input, tensor: Tensor) -> Array:
    name, shape = declared.name, tensor.data.shape
    if tensor.datatype != declared.datatype:
        raise invalid_input(name, "datatype", f"must be {declared.datatype}")
    if len(shape) != len(declared.shape):
        raise invalid_input(name, "rank", f"must have {len(declared.shape)} dimensions: {list(declared.shape)}")
    if any(size not in (-1, actual) for size, actual in zip(declared.shape, shape, strict=True)):
        raise invalid_input(name, "shape", f"must have the shape {list(declared.shape)}")
    if not 1 <= shape[0] <= MAX_ROWS:
        raise invalid_input(name, "rows", f"must have 1 to {MAX_ROWS} rows")
    return tensor.data.astype(DTYPES[declared.datatype], copy=False)
