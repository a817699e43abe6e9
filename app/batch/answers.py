"""Predictions for a file of rows, and the errors of invalid rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from app.batch.columns import columns_of
from app.batch.row import Row
from app.batch.rows import read_rows
from app.domains.api import Operation
from app.domains.validation import problems_of, sanitize
from app.errors import CallError, InputError, Problem, TooLate

CHUNK_ROWS = 1000
"""Rows per model call; the time limit is checked between calls, about every 30 ms."""
MAX_PROBLEMS = 20
"""Maximum number of reported problems per row."""
MAX_ROWS = 1_000_000
"""Maximum number of rows of a file; their predictions take about 400 MB."""
MAX_ERROR_BYTES = 16_000_000
"""Size of the errors above which further invalid rows are counted and not listed."""
CARRIED = ("id", "name", "received")
"""Columns that identify a beer, and when the platform received it; they are not validated, and are copied to the
prediction."""
LABEL = "ibu"
"""Column of the predicted value; it is ignored in the input."""
_NOTES = frozenset({"warnings", "assumptions"})
"""Parts of an answer that name fields of the request."""
_SINGLE = {
    "explain": "explanations are not available in batches",
    "reference": "reference beers are not available in files",
}
"""Fields that make a request slow, and why a row may not have them."""
_MAX_FIELD = 120


@dataclass
class Answers:
    """The results for a file, as JSON lines."""

    predictions: bytearray = field(default_factory=bytearray)
    """One line per valid row: ``row``, ``id`` and ``name`` if present, and the prediction."""
    errors: bytearray = field(default_factory=bytearray)
    """One line per invalid row: ``row`` and ``errors``; row 0 is the whole file."""
    rows: int = 0
    """Number of rows in the file."""
    bad: int = 0
    """Number of invalid rows."""
    unlisted: int = 0
    """Number of invalid rows that are not among the errors."""


@dataclass(frozen=True, slots=True)
class AnsweredRow:
    """A row with its answer or its problems."""

    carried: Mapping[str, Any] = field(default_factory=dict)
    """What identifies the row: ``id`` and ``name`` if present."""
    answer: Mapping[str, Any] | None = None
    """The answer; None if the row is invalid."""
    problems: Sequence[Problem] = ()
    """Problems of an invalid row, by column."""


def _same(path: str) -> str:
    """Return the path of a field that has a column of its own."""
    return path


@dataclass(frozen=True, slots=True)
class _Request:
    """A row as a request."""

    problems: Sequence[Problem]
    """Problems of an invalid row."""
    request: Any = None
    """Request of the operation; None if the row is invalid."""
    carried: Mapping[str, Any] = field(default_factory=dict)
    """Values that are copied to the prediction."""
    column: Callable[[str], str] = _same
    """Returns the column that a field comes from."""

    def answered(self, answer: Any) -> "AnsweredRow":
        """Return the row with its answer, which names columns.

        Args:
            answer: What the operation answers: an answer or an error.

        Raises:
            CallError: If it is an error that does not concern the row.
        """
        if isinstance(answer, InputError):
            return AnsweredRow(
                problems=[replace(problem, field=self.column(problem.field)) for problem in answer.problems]
            )
        if isinstance(answer, CallError):
            raise answer
        return AnsweredRow(self.carried, self.named(answer))

    def named(self, answer: Any) -> Any:
        """Return an answer whose warnings and assumptions name columns."""
        if self.column is _same:
            return answer
        return {
            **answer,
            **{name: [self._with_column(note) for note in answer[name]] for name in _NOTES & answer.keys()},
        }

    def _with_column(self, note: dict[str, Any]) -> dict[str, Any]:
        return {**note, "field": self.column(note["field"])} if "field" in note else note


class BatchTransport:
    """Applies an operation of a domain API to files."""

    def __init__(self, operation: Operation[Any, Any]) -> None:
        """Create a transport.

        Args:
            operation: An operation on single items that supports `run_many`.
        """
        if operation.run_many is None:
            raise ValueError(f"{operation.name} cannot be run for many at once")
        self._run_many = operation.run_many
        self._slow = operation.slow
        self._contradictions = operation.contradictions
        self._validate = TypeAdapter(operation.request).validate_python
        self.columns = columns_of(operation.request, {**dict.fromkeys(CARRIED, "verbatim"), LABEL: "number"})
        """The columns that a table may have."""

    def answer(self, data: bytes, seconds_left: Callable[[], float]) -> Answers:
        """Process a file.

        Args:
            data: The file; see `read_rows`.
            seconds_left: Returns the remaining time in seconds.

        Returns:
            The results; they are deterministic. A file that cannot be read has no rows and one error, so that it is not
            retried.

        Raises:
            TooLate: If the time is up before the last row.
            CallError: If the model is not available.
        """

        def check() -> None:
            if seconds_left() <= 0:
                raise TooLate

        answers = Answers()
        try:
            rows = read_rows(data, self.columns, check)
        except InputError as error:
            return _unreadable(error)
        while chunk := list(islice(rows, CHUNK_ROWS)):
            check()
            if answers.rows + len(chunk) > MAX_ROWS:
                return _unreadable(InputError([Problem("file", "too_many_rows", f"has more than {MAX_ROWS} rows")]))
            self._answer(chunk, answers)
        if answers.unlisted:
            reason = f"has {answers.unlisted} more invalid rows, which are not listed"
            answers.errors += errors_line(0, [Problem("file", "too_many_errors", reason)])
        return answers

    def answer_rows(self, rows: Sequence[Row]) -> list[AnsweredRow]:
        """Answer rows.

        Args:
            rows: The rows; up to `CHUNK_ROWS` are a good number.

        Returns:
            What is said of each row, as if it were alone.

        Raises:
            CallError: If the model is not available.
        """
        asked = [self._request(row) for row in rows]
        results = iter(self._run_many([each.request for each in asked if each.request is not None]))
        return [each.answered(InputError(each.problems) if each.request is None else next(results)) for each in asked]

    def _answer(self, chunk: Sequence[Row], answers: Answers) -> None:
        for answered in self.answer_rows(chunk):
            answers.rows += 1
            if answered.answer is not None:
                answers.predictions += _line({"row": answers.rows, **answered.carried, **answered.answer})
                continue
            answers.bad += 1
            if len(answers.errors) < MAX_ERROR_BYTES:
                answers.errors += errors_line(answers.rows, answered.problems)
            else:
                answers.unlisted += 1

    def _request(self, row: Row) -> _Request:
        """Convert a row to a request of the operation, or to the problems of an invalid row."""
        values = row.values
        if values is None:
            return _Request(row.problems)
        problems = [
            *row.problems,
            *(
                Problem(name, "not_a_scalar", "must be text or a number")
                for name in CARRIED
                if isinstance(values.get(name), list | dict)
            ),
        ]
        numbered = row.column if row.numbers else _same
        asked = {key: values[key] for key in values if key not in CARRIED and key != LABEL}
        try:
            request = self._validate(asked)
        except ValidationError as error:
            known = {problem.field for problem in problems}
            found = [*problems_of(error), *(self._contradictions(asked) if self._contradictions else ())]
            problems += [problem for problem in found if numbered(problem.field) not in known]
        else:
            if self._slow is not None and self._slow(request):
                problems += [
                    Problem(name, "not_in_batch", reason)
                    for name, reason in _SINGLE.items()
                    if getattr(request, name, None)
                ]
            if problems and self._contradictions:
                problems += self._contradictions(asked)
            if not problems:
                return _Request((), request, {key: values[key] for key in CARRIED if key in values}, numbered)
        return _Request(tuple(problems), column=numbered)


def _unreadable(error: InputError) -> Answers:
    """The results for a file that is rejected as a whole."""
    return Answers(errors=bytearray(errors_line(0, error.problems)))


def errors_line(row: int, problems: Sequence[Problem]) -> bytes:
    """Return the line of the errors of a row.

    Args:
        row: Its number; 0 is the whole file.
        problems: Its problems; the first `MAX_PROBLEMS` are listed.
    """
    errors = [
        {"field": sanitize(problem.field, _MAX_FIELD), "code": problem.code, "reason": problem.reason}
        for problem in problems[:MAX_PROBLEMS]
    ]
    return _line({"row": row, "errors": errors})


def _line(record: dict[str, Any]) -> bytes:
    return to_json(record, inf_nan_mode="null") + b"\n"
