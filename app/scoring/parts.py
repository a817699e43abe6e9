"""Predicts the parts of sources, in this process or on a worker, and writes a receipt for each part."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from app import __version__
from app.batch.answers import errors_line
from app.errors import CallError, InputError, Problem, ScoringError
from app.scoring.answered import Answered
from app.scoring.layout import ERRORS, PREDICTIONS, RECEIPTS
from app.scoring.output import Output
from app.scoring.pieces import Reader
from app.scoring.plan import Part, Plan
from app.scoring.scorer import LoadedScorer, Model
from app.scoring.sources import UNREADABLE
from app.scoring.writers import WRITERS

_LAYOUT = 1
"""Raised whenever the same rows would be written in another way."""
_MAX_STEM = 80


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be done with every part."""

    model: Model
    digests: tuple[tuple[str, str, str], ...]
    """See `LoadedScorer.digests`."""
    format: str
    """Format of the predictions, one of `WRITERS`."""
    output: Output

    @property
    def identity(self) -> str:
        """What the output depends on beside the sources."""
        return _digest([_LAYOUT, __version__, asdict(self.model), self.digests, self.format])


@dataclass(frozen=True, slots=True)
class File:
    """A file of the output."""

    file: str
    """Name below the output's folder."""
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was done with a part."""

    key: str
    """What the result depends on; a receipt with another key is of another job or of other contents."""
    part: int
    """Index of the part."""
    first_row: int
    """Number of its first row."""
    rows: int
    answered: int
    failed: int
    predictions: File | None
    """None if no row was answered."""
    errors: File | None
    """None if there were no errors."""
    is_readable: bool = True
    """Whether the part could be read; if not, the error has the row 0."""

    @property
    def files(self) -> Sequence[File]:
        """The files of the part."""
        return [file for file in (self.predictions, self.errors) if file is not None]


_receipt: TypeAdapter[Receipt] = TypeAdapter(Receipt)


def stem_of(name: str, digest: str) -> str:
    """Return the beginning of the names of a source's files in the output.

    Args:
        name: Name of the source.
        digest: What identifies its contents.
    """
    safe = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "-" for c in name.rpartition("/")[2])
    return f"{safe[:_MAX_STEM].lstrip('._') or 'rows'}-{_digest([name, digest])[:12]}"


def part_name(plan: Plan, index: int) -> str:
    """Return the name of the files of a part, without their endings."""
    return f"{stem_of(plan.source.name, plan.digest)}-{index:05d}"


def key_of(job: Job, plan: Plan, index: int) -> str:
    """Return what the result of a part depends on."""
    return _digest([job.identity, plan.source.name, plan.digest, plan.format, asdict(plan.parts[index])])


def read_receipt(job: Job, plan: Plan, index: int, sizes: dict[str, int]) -> Receipt | None:
    """Return the receipt of a part that is done already, with all its files; None if it is not.

    Args:
        job: The job.
        plan: The plan of the source.
        index: Index of the part.
        sizes: Sizes of the files in the output, by name.

    Raises:
        ScoringError: If it cannot be read.
    """
    name = f"{RECEIPTS}/{part_name(plan, index)}.json"
    data = job.output.read(name) if name in sizes else None
    if data is None:
        return None
    try:
        receipt = _receipt.validate_json(data)
    except ValidationError:
        return None
    is_done = receipt.key == key_of(job, plan, index) and are_there(receipt.files, sizes)
    return receipt if is_done else None


def are_there(files: Sequence[File], sizes: dict[str, int]) -> bool:
    """Return whether files are in the output.

    Args:
        files: The files.
        sizes: Sizes of the files in the output, by name.
    """
    return all(sizes.get(file.file) == file.bytes for file in files)


def answer_parts(
    job: Job,
    plan: Plan,
    indexes: Sequence[int],
    loaded: LoadedScorer,
    answered: Callable[[int], None] = lambda rows: None,
) -> Iterator[Receipt]:
    """Answer parts of a source, and write the output of each.

    Args:
        job: The job.
        plan: The plan of the source.
        indexes: Indexes of the parts, ascending.
        loaded: What answers them.
        answered: Called with the number of rows that were answered or rejected, again and again.

    Yields:
        The receipts, in the same order.

    Raises:
        ScoringError: If the models are not those of the job, cannot answer, or the output cannot be written.
    """
    if loaded.digests != job.digests:
        raise ScoringError("the models here are not those of the job: the digests of the bundles differ")
    with Reader(plan, loaded.scorer.columns, loaded.scorer.fields) as reader:
        for index in indexes:
            yield _answer_part(job, plan, index, loaded, reader, answered)


def _answer_part(
    job: Job, plan: Plan, index: int, loaded: LoadedScorer, reader: Reader, answered: Callable[[int], None]
) -> Receipt:
    part, name = plan.parts[index], part_name(plan, index)
    try:
        receipt = _write(job, plan, index, loaded, _answers(plan, part, loaded, reader), answered)
    except InputError as error:
        plan.source.check()
        if any(problem.code == UNREADABLE for problem in error.problems):
            raise ScoringError(f"{plan.source.name}: {error.problems[0].reason}") from None
        job.output.delete(f"{PREDICTIONS}/{name}.{job.format}")
        receipt = unreadable(job, plan, index, error.problems)
    except CallError as error:
        raise ScoringError(
            f"{plan.source.name}: the model cannot answer: {str(error) or type(error).__name__}"
        ) from None
    job.output.write(f"{RECEIPTS}/{name}.json", to_json(receipt, indent=1) + b"\n")
    return receipt


def _answers(plan: Plan, part: Part, loaded: LoadedScorer, reader: Reader) -> Iterator[Answered]:
    if plan.format == "recipes":
        yield from loaded.answer_recipes(reader.whole())
    else:
        yield from map(loaded.scorer.answer, reader.pieces(part))


def _write(
    job: Job,
    plan: Plan,
    index: int,
    loaded: LoadedScorer,
    answers: Iterator[Answered],
    answered: Callable[[int], None],
) -> Receipt:
    """Write the output of a part; none of it is there under its name if the part cannot be read."""
    name = part_name(plan, index)
    predictions, errors = f"{PREDICTIONS}/{name}.{job.format}", f"{ERRORS}/{name}.jsonl"
    good = bad = 0
    files: dict[str, File | None] = {}
    with job.output.stage(predictions) as of_predictions, job.output.stage(errors) as of_errors:
        with (
            WRITERS[job.format](of_predictions.path, loaded.scorer.schema) as writer,
            of_errors.path.open("wb") as file,
        ):
            for each in answers:
                writer.write(each)
                file.writelines(errors_line(row, problems) for row, problems in each.problems)
                good, bad = good + len(each), bad + len(each.problems)
                answered(len(each) + len(each.problems))
        plan.source.check()
        if plan.parts[index].blocks and good + bad != plan.parts[index].rows:
            raise ScoringError(f"{plan.source.name}: has other rows than it had at first; run the command again")
        for staged, count in (of_predictions, good), (of_errors, bad):
            files[staged.name] = _file(staged.name, staged.path) if count else None
            staged.is_wanted = count > 0
    return Receipt(
        key_of(job, plan, index),
        index,
        plan.parts[index].first_row,
        good + bad,
        good,
        bad,
        files[predictions],
        files[errors],
    )


def unreadable(job: Job, plan: Plan, index: int, problems: Sequence[Problem]) -> Receipt:
    """Write the error of a part, or of a source without parts, that cannot be read."""
    data = errors_line(0, problems)
    file = File(f"{ERRORS}/{part_name(plan, index)}.jsonl", len(data), hashlib.sha256(data).hexdigest())
    job.output.write(file.file, data)
    key = key_of(job, plan, index) if plan.parts else _digest([job.identity, plan.source.name, plan.digest])
    first_row = plan.parts[index].first_row if plan.parts else 1
    return Receipt(key, index, first_row, 0, 0, 0, None, file, is_readable=False)


def _file(name: str, path: Path) -> File:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return File(name, path.stat().st_size, digest)


def _digest(value: Any) -> str:
    return hashlib.sha256(to_json(value)).hexdigest()
