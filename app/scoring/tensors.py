"""Scores the rows of any model whose inputs are numbers, as the Open Inference Protocol answers them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow
from numpy.typing import NDArray

from app.batch.answers import CARRIED, LABEL
from app.batch.cells import Kind
from app.batch.columns import Columns
from app.bundle.manifest import Output
from app.errors import InputError, InvalidOutput, Problem, ScoringError
from app.models.loaded import LoadedModel
from app.oip.signature import ModelSignature, RowValidator
from app.runtime.predictor import Array
from app.scoring.answered import WARNINGS, Answered, lists
from app.scoring.pieces import Carried, Piece

Run = Callable[[Array], dict[str, Array]]
"""Takes rows and returns the outputs of the graph."""
Warnings = Sequence[tuple[int, Mapping[str, object]]]
"""Index of the row and warning, by row."""
_FLOATS = ("FP32", "FP64")
_TYPES = {
    "BOOL": pyarrow.bool_(),
    "UINT8": pyarrow.uint8(),
    "INT32": pyarrow.int32(),
    "INT64": pyarrow.int64(),
    "FP32": pyarrow.float32(),
    "FP64": pyarrow.float64(),
}


class TensorScorer:
    """Answers rows by one version of a model."""

    def __init__(self, loaded: LoadedModel, run: Run | None = None) -> None:
        """Create the scorer.

        Args:
            loaded: The version.
            run: Runs its graph in place of the loaded one, with the same results.

        Raises:
            ScoringError: If its inputs are no single numbers, such as pictures.
        """
        manifest = loaded.manifest
        if manifest.packed is None:
            raise ScoringError(f"{manifest.name} {manifest.version}: its inputs are not columns of numbers")
        self._loaded = loaded
        self._signature, self._validator = loaded.prepared(ModelSignature), loaded.prepared(RowValidator)
        self._packed = manifest.packed
        self._run_quickly = run
        self.fields = tuple(declared.name for declared in manifest.inputs)
        self.columns = _columns(self._signature)
        self.schema = pyarrow.schema(
            {
                "row": pyarrow.int64(),
                **dict.fromkeys(CARRIED, pyarrow.string()),
                **{output.name: _type(output) for output in manifest.outputs},
                "warnings": WARNINGS,
            }
        )

    def answer(self, piece: Piece) -> Answered:
        """Answer rows.

        Args:
            piece: The rows.

        Raises:
            CallError: If the model cannot answer.
        """
        problems: list[tuple[int, Sequence[Problem]]] = []
        kept = piece.plain.copy()
        for index in np.flatnonzero(~kept).tolist():
            row = piece.row(index)
            problems.append((piece.first_row + index, row.problems or self._problems(row.values or {})))
        with np.errstate(over="ignore"):  # what a float32 cannot hold is not finite, which is an error of its row
            rows = piece.numbers.astype(np.float32)
        warnings: Warnings = ()
        outputs: dict[str, Array] = {}
        try:
            if kept.any():
                warnings, outputs = self._run(rows[kept])
        except (InputError, InvalidOutput):  # of some rows, which must not affect the others
            for index in np.flatnonzero(kept).tolist():
                found = self._problems_of(rows[index : index + 1])
                if found:
                    problems.append((piece.first_row + index, found))
                    kept[index] = False
            if kept.any():
                warnings, outputs = self._run(rows[kept])
        places = np.flatnonzero(kept)
        carried = piece.carried_of(places)
        return TensorAnswers(
            places + piece.first_row, carried, sorted(problems), self._loaded.manifest.outputs, outputs, warnings
        )

    def _problems_of(self, row: Array) -> list[Problem]:
        try:
            self._run(row)
        except InputError as error:
            return [_of_row(problem) for problem in error.problems]
        except InvalidOutput:
            return [Problem("row", "not_ready", "the model has no valid answer for this row")]
        return []

    def _run(self, rows: Array) -> tuple[Warnings, dict[str, Array]]:
        arrays = self._signature.packed_rows(rows)
        warnings = self._validator.validate(arrays)
        outputs = self._outputs(self._validator.correct(arrays))
        for output in self._loaded.manifest.outputs:
            if output.datatype in _FLOATS and not np.isfinite(outputs[output.name]).all():
                raise InvalidOutput(output.name)
        return warnings, outputs

    def _outputs(self, rows: Array) -> dict[str, Array]:
        if self._run_quickly is not None:
            return self._run_quickly(rows)
        return self._loaded.what_if({self._packed: rows})

    def _problems(self, values: Mapping[str, Any]) -> list[Problem]:
        """What is wrong with a row whose cells could be read."""
        allowed = {*self.fields, *CARRIED, LABEL}
        found = [Problem(name, "unknown_column", "is not a known column") for name in values if name not in allowed]
        for name in self.fields:
            value = values.get(name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int | float) or value != value):
                found.append(Problem(name, "not_a_number", "must be a number"))
        for name in CARRIED:
            if isinstance(values.get(name), list | dict):
                found.append(Problem(name, "not_a_scalar", "must be text or a number"))
        return found or [Problem("row", "missing", "has no value")]


class TensorAnswers(Answered):
    """Answers to rows of numbers."""

    def __init__(
        self,
        rows: NDArray[np.int64],
        carried: Mapping[str, Carried],
        problems: Sequence[tuple[int, Sequence[Problem]]],
        declared: Sequence[Output],
        outputs: Mapping[str, Array],
        warnings: Warnings,
    ) -> None:
        """Create the answers.

        Args:
            rows: See `Answered`.
            carried: See `Answered`.
            problems: See `Answered`.
            declared: The outputs of the model.
            outputs: Their values.
            warnings: Index of the row and warning, by row.
        """
        super().__init__(rows, carried, problems)
        self._declared, self._outputs = declared, outputs
        self._warnings: dict[int, list[Any]] = {}
        for index, warning in warnings:
            self._warnings.setdefault(index, []).append(warning)

    def answers(self) -> Sequence[Mapping[str, Any]]:
        """See `Answered.answers`."""
        if not len(self):
            return []
        columns = {output.name: _values(output, self._outputs[output.name]).tolist() for output in self._declared}
        return [
            {**{name: values[index] for name, values in columns.items()}, "warnings": self._warnings.get(index, [])}
            for index in range(len(self))
        ]

    def columns(self) -> Mapping[str, Any]:
        """See `Answered.columns`."""
        count = len(self)
        columns: dict[str, Any] = {"warnings": lists(WARNINGS, count, self._warnings)}
        for output in self._declared:
            values = _values(output, self._outputs[output.name]).tolist() if count else []
            columns[output.name] = pyarrow.array(values, _type(output))
        return columns


def _columns(signature: ModelSignature) -> Columns:
    names = (declared.name for declared in signature.manifest.inputs)
    kinds: dict[str, Kind] = {**dict.fromkeys((*names, LABEL), "number"), **dict.fromkeys(CARRIED, "verbatim")}
    return Columns(kinds=kinds, lists={}, required=[(name,) for name in signature.required])


def _type(output: Output) -> Any:
    found = _TYPES.get(output.datatype, pyarrow.string())
    return found if _is_single(output) else pyarrow.list_(found)


def _is_single(output: Output) -> bool:
    return all(size == 1 for size in output.shape[1:])


def _values(output: Output, values: Array) -> Array:
    return values.reshape(len(values)) if _is_single(output) else values.reshape(len(values), -1)


def _of_row(problem: Problem) -> Problem:
    """A problem of a call with one row as a problem of that row."""
    return Problem(problem.field.removeprefix("inputs."), problem.code, problem.reason.removeprefix("row 0: "))
