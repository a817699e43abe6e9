"""Comparison of two versions of a model on the same inputs."""

import numpy as np
from numpy.typing import NDArray

from app.bundle.manifest import Input, Manifest
from app.errors import BundleError
from app.runtime.predictor import Array, Arrays

_FLOATS = ("FP32", "FP64")
_NUMBERS = (*_FLOATS, "BOOL", "UINT8", "INT32", "INT64")


class InvalidAnswer(Exception):
    """A version's output is missing, of another shape, or not finite where the other one's is."""


class Comparison:
    """Runs a version on another one's inputs, and compares their outputs.

    Of the outputs that both declare, the first of floating point is compared, or else the first number: for a beer its
    bitterness, for a flower the scores, for a picture the probabilities.
    """

    def __init__(self, source: Manifest, target: Manifest) -> None:
        """Initialize the comparison.

        Args:
            source: Manifest of the version whose inputs are given.
            target: Manifest of the version that is to run on them.

        Raises:
            BundleError: If the second version needs inputs that the first does not have, or they have no number in
                common.
        """
        self._packed, self._target_packed = source.packed, target.packed
        self._columns = _columns(source, target)
        self._target = target
        self.output = _compared_output(source, target)
        """Name of the output that is compared."""
        self._floats = [declared.name for declared in target.outputs if declared.datatype in _FLOATS]

    def inputs(self, inputs: Arrays) -> Arrays:
        """Return the second version's inputs from the first one's; see `Predictor.predict`."""
        if self._packed is None or self._target_packed is None:
            return {declared.name: inputs[declared.name] for declared in self._target.inputs}
        rows = inputs[self._packed]
        return {self._target_packed: rows if self._columns is None else rows[:, self._columns]}

    @property
    def joins(self) -> bool:
        """Whether the rows of several runs can be given to the second version in one run."""
        return self._packed is not None and self._target_packed is not None

    def differences(self, given: Arrays, outputs: Arrays) -> NDArray[np.float64]:
        """Compare outputs.

        Args:
            given: Outputs of the first version.
            outputs: Outputs of the second version for the same rows.

        Returns:
            Largest absolute difference of each row, shape (n_rows,).

        Raises:
            InvalidAnswer: If an output of the second version is not a valid answer.
        """
        for name in self._floats:
            self.check(name, given.get(name), outputs)
        first, second = given[self.output].astype(np.float64), outputs[self.output].astype(np.float64)
        if first.shape != second.shape:
            raise InvalidAnswer(f"output {self.output} has another shape")
        with np.errstate(invalid="ignore"):
            gaps = np.abs(second - first).reshape(len(first), -1).max(axis=1)
        finite: NDArray[np.float64] = np.nan_to_num(gaps, nan=0.0, posinf=np.finfo(np.float64).max)
        return finite

    @staticmethod
    def check(name: str, given: Array | None, outputs: Arrays) -> None:
        """Check that an output is finite, except where the other version's is not.

        Args:
            name: Name of the output.
            given: The other version's output; None if it has none.
            outputs: The outputs.

        Raises:
            InvalidAnswer: If it is not.
        """
        finite = np.isfinite(outputs[name])
        if not finite.all():
            if given is None or given.shape != finite.shape or np.isfinite(given[~finite]).any():
                raise InvalidAnswer(f"output {name} is not a number")


def _columns(source: Manifest, target: Manifest) -> list[int] | None:
    """Columns of the first version's rows that the second one has as inputs; None if these are the rows unchanged."""
    if (source.packed is None) != (target.packed is None):
        raise BundleError(f"version {target.version} takes its inputs in another form than version {source.version}")
    known = {declared.name: (index, _form(declared)) for index, declared in enumerate(source.inputs)}
    missing = [d.name for d in target.inputs if d.name not in known or known[d.name][1] != _form(d)]
    if missing:
        raise BundleError(
            f"version {target.version} has inputs that version {source.version} does not have: {', '.join(missing)}"
        )
    columns = [known[declared.name][0] for declared in target.inputs]
    return None if columns == list(range(len(source.inputs))) else columns


def _form(declared: Input) -> tuple[str, tuple[int, ...]]:
    return declared.datatype, declared.shape


def _compared_output(source: Manifest, target: Manifest) -> str:
    known = {declared.name for declared in source.outputs}
    common = [declared for declared in target.outputs if declared.name in known and declared.datatype in _NUMBERS]
    if not common:
        raise BundleError(f"versions {source.version} and {target.version} have no output in common")
    return next((declared for declared in common if declared.datatype in _FLOATS), common[0]).name
