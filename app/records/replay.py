"""Replay: recorded inputs through a version of the model, and how far the outputs are from others."""

import heapq
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.errors import RecordsError
from app.records.lines import columns_of, is_recordable, output_names
from app.records.reading import Record
from app.runtime.golden import pack
from app.runtime.predictor import Array, Predictor

EDGES = (20.0, 40.0, 60.0, 80.0)
"""Bounds of the bands of an output in IBU."""
LARGEST = 5
"""Number of the largest differences that are named."""
MAX_RUN = 100_000
"""Maximum size of a run that is repeated in its own size."""

Values = NDArray[np.float64]


class Replayer:
    """Runs records through one version."""

    def __init__(self, predictor: Predictor) -> None:
        """Initialize the replayer.

        Args:
            predictor: The version.

        Raises:
            RecordsError: If rows of the model are not recorded.
        """
        self.manifest = predictor.manifest
        if not is_recordable(self.manifest):
            raise RecordsError(f"{self.manifest.name}: its rows are not recorded")
        self._predictor = predictor
        self._inputs = [each.name for each in self.manifest.inputs]
        self._required = [each.name for each in self.manifest.inputs if not each.optional]
        self.names = output_names(self.manifest)
        """Names of the outputs, as in records."""

    def fits(self, record: Record) -> bool:
        """Whether a record has what the version requires."""
        inputs = record.inputs
        return all((value := inputs.get(name)) is not None and value == value for name in self._required)

    def outputs(self, records: Sequence[Record]) -> Values:
        """Return what the version answers; it is, to the bit, what it answered when the records were made.

        The last bits of some models' outputs depend on a row's place in its run and on the size of the run, and on
        nothing else. So each run is repeated in its size, with each row in its place; the places of rows that
        are not recorded are filled with another row.

        Args:
            records: Records that fit.

        Returns:
            Shape (n_records, n_outputs); the columns are those of `names`.
        """
        return np.concatenate([self._repeat(run) for run in _runs(records)])

    def _repeat(self, records: Sequence[Record]) -> Values:
        size = min(max(records[0].run[1], len(records)), MAX_RUN)
        places = [each.run[0] for each in records]
        if places[-1] >= size:  # of a file that somebody made by hand
            size, places = len(records), list(range(len(records)))
        rows = np.array([[each.inputs.get(name, np.nan) for name in self._inputs] for each in records], np.float64)
        whole = np.repeat(rows[:1], size, axis=0)
        whole[places] = rows
        outputs = self._predictor.predict(self._arrays(whole))
        columns = [
            outputs[declared.name].reshape(size, -1) for declared in self.manifest.outputs if columns_of(declared)
        ]
        table: Values = np.concatenate(columns, axis=1, dtype=np.float64)[places]
        return table

    def _arrays(self, rows: Values) -> dict[str, Array]:
        if self.manifest.packed is not None:
            return {self.manifest.packed: rows.astype(np.float32)}
        return pack(self.manifest, {name: rows[:, [column]].tolist() for column, name in enumerate(self._inputs)})


def recorded_outputs(records: Sequence[Record], names: Sequence[str]) -> Values:
    """Return what was answered, NaN where a record lacks an output.

    Args:
        records: The records.
        names: Names of the outputs.

    Returns:
        Shape (n_records, n_outputs).
    """
    rows = [[each.outputs.get(name, np.nan) for name in names] for each in records]
    return np.array(rows, np.float64).reshape(len(records), len(names))


def _runs(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    """Return the records in groups that may be repeated together: rows of one run, in the order of their places."""
    begin = 0
    for index in range(1, len(records) + 1):
        if index < len(records):
            one, other = records[index - 1], records[index]
            if one.run[1] == other.run[1] and one.run[0] < other.run[0] and one.time == other.time:
                continue
        yield records[begin:index]
        begin = index


class _Large(NamedTuple):
    """A large difference; the largest sorts last."""

    size: float
    number: int
    request_id: str
    row: int
    reference: float
    given: float


class _Figures:
    """Figures of some rows."""

    def __init__(self) -> None:
        self.rows = self.beyond = 0
        self.total = self.absolute = self.largest = 0.0

    def add(self, gaps: Values, bound: float) -> None:
        sizes = np.abs(gaps)
        self.rows += len(gaps)
        self.total += float(gaps.sum())
        self.absolute += float(sizes.sum())
        self.largest = max(self.largest, float(sizes.max(initial=0.0)))
        self.beyond += int((sizes > bound).sum())

    @property
    def as_json(self) -> dict[str, Any]:
        rows = max(self.rows, 1)
        return {
            "rows": self.rows,
            "mean_difference": self.total / rows,
            "mean_absolute_difference": self.absolute / rows,
            "largest_difference": self.largest,
            "rows_beyond": self.beyond,
        }


class Differences:
    """How far outputs are from a reference, over any number of rows, in bounded memory."""

    def __init__(self, names: Sequence[str], unit: str = "", bound: float | None = None) -> None:
        """Initialize the differences; no row is counted yet.

        Args:
            names: Names of the outputs that are compared; the first is the one that the figures are about.
            unit: Unit of the first output; in IBU, figures are kept by band.
            bound: Difference of the first output from which a row is beyond; None: no row is.
        """
        self.names = tuple(names)
        self.equal = 0
        """Number of rows of which every output is equal to the bit."""
        self.invalid = 0
        """Number of rows of which the first output is not a number, on one side or both."""
        self._bound = np.inf if bound is None else bound
        self._edges = np.array(EDGES if unit == "IBU" else ())
        self._all = _Figures()
        self._bands = [_Figures() for _ in range(len(self._edges) + 1)]
        self._largest_by_output = np.zeros(len(self.names))
        self._largest: list[_Large] = []
        self._numbers = count()

    def add(self, records: Sequence[Record], reference: Values, given: Values) -> None:
        """Count rows.

        Args:
            records: The records.
            reference: Outputs, shape (n_records, n_outputs); columns as in `names`.
            given: The outputs that are compared with it.
        """
        same = (reference.view(np.int64) == given.view(np.int64)) | (np.isnan(reference) & np.isnan(given))
        self.equal += int(same.all(axis=1).sum())
        with np.errstate(invalid="ignore"):
            every = np.where(same, 0.0, given - reference)
        self._largest_by_output = np.fmax(self._largest_by_output, np.nanmax(np.abs(every), axis=0, initial=0.0))
        gaps = every[:, 0]
        valid = np.isfinite(gaps) & np.isfinite(reference[:, 0])
        self.invalid += int((~valid).sum())
        gaps, base = gaps[valid], reference[valid, 0]
        self._all.add(gaps, self._bound)
        bands = self._edges.searchsorted(base, side="right")
        for number, figures in enumerate(self._bands):
            figures.add(gaps[bands == number], self._bound)
        self._note_largest(records, np.flatnonzero(valid), gaps, reference, given)

    def _note_largest(
        self, records: Sequence[Record], indexes: NDArray[np.int_], gaps: Values, reference: Values, given: Values
    ) -> None:
        sizes = np.abs(gaps)
        for place in np.argsort(sizes)[-LARGEST:].tolist():
            index, size = int(indexes[place]), float(sizes[place])
            if not size:
                continue
            record = records[index]
            large = _Large(
                size,
                -next(self._numbers),
                record.request_id,
                record.row,
                float(reference[index, 0]),
                float(given[index, 0]),
            )
            if len(self._largest) < LARGEST:
                heapq.heappush(self._largest, large)
            else:
                heapq.heappushpop(self._largest, large)

    @property
    def is_beyond(self) -> bool:
        """Whether a row is beyond the bound, or has no number where there is a bound."""
        return bool(self._all.beyond or (self.invalid and np.isfinite(self._bound)))

    @property
    def as_json(self) -> dict[str, Any]:
        """The figures; differences are those of the first output, in its unit."""
        figures: dict[str, Any] = {
            "output": self.names[0],
            **self._all.as_json,
            "rows_equal_to_the_bit": self.equal,
            "rows_without_a_number": self.invalid,
            "largest_difference_by_output": dict(zip(self.names, self._largest_by_output.tolist(), strict=True)),
        }
        if len(self._edges):
            bounds: list[float | None] = [None, *self._edges.tolist(), None]
            figures["bands"] = [
                {"from": bounds[number], "to": bounds[number + 1], **band.as_json}
                for number, band in enumerate(self._bands)
            ]
        figures["largest"] = [
            {"request_id": each.request_id, "row": each.row, "reference": each.reference, "given": each.given}
            for each in sorted(self._largest, reverse=True)
        ]
        return figures
