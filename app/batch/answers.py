"""Answers to a file of rows: predictions in the file's order, and what is wrong with the rows that have none."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from app.batch.rows import Row, read_rows
from app.domains.api import Operation
from app.domains.validation import problems_of, tamed
from app.errors import CallError, InputError, Problem, TooLate

AT_ONCE = 1000
"""Rows that are answered at once, and between two looks at the clock: some 30 ms."""
MOST_PROBLEMS = 20
"""Problems that are told of one row."""
CARRIED = ("id", "name")
"""What says which beer it is: not read, and repeated beside the answer."""
LABEL = "ibu"
"""What the answer is about; rows that have it already are answered all the same."""
_LONGEST_FIELD = 120


@dataclass
class Answers:
    """What a file came to; both are JSON lines."""

    predictions: bytearray = field(default_factory=bytearray)
    """A line a good row: ``row``, ``id`` and ``name`` where the row has them, and the answer."""
    errors: bytearray = field(default_factory=bytearray)
    """A line a bad row: ``row`` and ``errors``; row 0 is the file as a whole."""
    rows: int = 0
    """Rows in the file."""
    bad: int = 0
    """Of these, bad ones."""


class BatchTransport:
    """Answers files with one operation of a domain."""

    def __init__(self, operation: Operation[Any, Any]) -> None:
        """Initialize the batch transport.

        Args:
            operation: Of one item; it can be run for many at once.
        """
        if operation.run_many is None:
            raise ValueError(f"{operation.name} cannot be run for many at once")
        self._run_many = operation.run_many
        self._slow = operation.slow
        self._validate = TypeAdapter(operation.request).validate_python

    def answer(self, data: bytes, seconds_left: Callable[[], float]) -> Answers:
        """Answer a file.

        Args:
            data: The file; see `read_rows`.
            seconds_left: How long it may still take.

        Returns:
            The answers; the same bytes for the same file and models. A file that cannot be read has no rows and one
            error, as trying it again would be of no use.

        Raises:
            TooLate: The time is up before the last row is answered.
            CallError: The model cannot answer now.
        """
        answers = Answers()
        try:
            rows = enumerate(read_rows(data), 1)
        except InputError as error:
            answers.errors += _line({"row": 0, "errors": _told(error.problems)})
            return answers
        while chunk := list(islice(rows, AT_ONCE)):
            if seconds_left() <= 0:
                raise TooLate
            self._answer(chunk, answers)
        return answers

    def _answer(self, chunk: Sequence[tuple[int, Row | Problem]], answers: Answers) -> None:
        asked = [self._request(row) for _, row in chunk]
        ran = iter(self._run_many([request for request in asked if not isinstance(request, InputError)]))
        for (number, row), request in zip(chunk, asked, strict=True):
            answer = request if isinstance(request, InputError) else next(ran)
            if isinstance(answer, InputError):
                answers.errors += _line({"row": number, "errors": _told(answer.problems)})
                answers.bad += 1
            elif isinstance(answer, CallError):
                raise answer
            else:
                answers.predictions += _line({"row": number, **_carried(row), **answer})
            answers.rows += 1

    def _request(self, row: Row | Problem) -> Any:
        """A row as the operation's request, or why it is none."""
        if isinstance(row, Problem):
            return InputError([row])
        try:
            request = self._validate({key: row[key] for key in row if key not in CARRIED and key != LABEL})
        except ValidationError as error:
            return InputError(problems_of(error))
        if self._slow is not None and self._slow(request):
            return InputError([Problem("explain", "not_in_batch", "reasons are told for single beers")])
        return request


def _carried(row: Row | Problem) -> dict[str, Any]:
    return {key: row[key] for key in CARRIED if key in row} if isinstance(row, dict) else {}


def _told(problems: Sequence[Problem]) -> list[dict[str, str]]:
    return [
        {"field": tamed(problem.field, _LONGEST_FIELD), "code": problem.code, "reason": problem.reason}
        for problem in problems[:MOST_PROBLEMS]
    ]


def _line(record: dict[str, Any]) -> bytes:
    return to_json(record, inf_nan_mode="null") + b"\n"
