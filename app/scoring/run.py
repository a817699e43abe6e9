"""A job: plans its sources, skips finished parts, has the others answered, and writes the manifest last."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from app import __version__
from app.errors import InputError, Problem, ScoringError
from app.scoring.layout import MANIFEST, PART, RECEIPTS, STAMPS
from app.scoring.parts import (
    File,
    Job,
    Receipt,
    answer_parts,
    are_there,
    part_name,
    read_receipt,
    stem_of,
    unreadable,
)
from app.scoring.plan import Plan, plan_source
from app.scoring.scorer import LoadedScorer
from app.scoring.sources import UNREADABLE, Source


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A model that answered."""

    name: str
    version: str
    sha256: str
    """Digest of its ``SHA256SUMS``."""


@dataclass(frozen=True, slots=True)
class PartEntry:
    """A part of a source in the manifest."""

    first_row: int
    rows: int
    answered: int
    failed: int
    predictions: File | None
    errors: File | None


@dataclass(frozen=True, slots=True)
class SourceEntry:
    """A source in the manifest."""

    source: str
    """Path or address, as it was found."""
    bytes: int
    digest: str
    """``sha256:`` of the file, or ``etag:`` of the object."""
    format: str
    """How it was read."""
    job: str
    """What the output depends on beside the source: program, models, options."""
    program: str
    """Version of the program."""
    models: list[ModelEntry]
    is_readable: bool
    """Whether it could be read; otherwise its errors have the row 0."""
    rows: int
    answered: int
    failed: int
    parts: list[PartEntry]

    @property
    def files(self) -> list[File]:
        """Its files in the output."""
        return [file for part in self.parts for file in (part.predictions, part.errors) if file is not None]


@dataclass(frozen=True, slots=True)
class Counts:
    """Totals."""

    sources: int = 0
    unreadable: int = 0
    """Sources that could not be read, or a part of which."""
    rows: int = 0
    answered: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Manifest:
    """The manifest of an output."""

    format_version: int
    counts: Counts
    sources: list[SourceEntry]


_manifest: TypeAdapter[Manifest] = TypeAdapter(Manifest)
_stamps: TypeAdapter[dict[str, tuple[str, str]]] = TypeAdapter(dict[str, tuple[str, str]])


@dataclass(slots=True)
class Task:
    """Parts of a source that one process answers, one after the other."""

    plan: Plan
    indexes: list[int]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run has done."""

    counts: Counts
    """Of the sources that the run names."""
    done: int
    """Parts that this run has answered."""
    kept: int
    """Parts that were answered before."""
    is_new: bool = True
    """Whether anything was done."""


class Engine(Protocol):
    """Answers tasks."""

    def __call__(
        self, job: Job, tasks: Sequence[Task], answered: Callable[[int], None]
    ) -> Iterable[tuple[Plan, Receipt]]:
        """Answer tasks.

        Args:
            job: The job.
            tasks: The tasks.
            answered: Called with a number of rows that were answered or rejected, again and again.

        Returns:
            The plan and the receipt of each part, in any order.

        Raises:
            ScoringError: If they cannot be answered.
        """


class Watch(Protocol):
    """Shows how far a run is."""

    def planned(self, sources: int) -> None:
        """Show how many sources have been planned."""

    def begin(self, rows: int) -> None:
        """Show that about this many rows will be answered."""

    def answered(self, rows: int) -> None:
        """Show that this many more rows were answered or rejected."""


def in_this_process(loaded: LoadedScorer) -> Engine:
    """Return the engine that answers in this process.

    Args:
        loaded: What answers.
    """

    def answer(job: Job, tasks: Sequence[Task], answered: Callable[[int], None]) -> Iterator[tuple[Plan, Receipt]]:
        for task in tasks:
            for receipt in answer_parts(job, task.plan, task.indexes, loaded, answered):
                yield task.plan, receipt

    return answer


@dataclass(slots=True)
class _Planned:
    """A source with its plan and the receipts of its parts."""

    plan: Plan
    receipts: dict[int, Receipt] = field(default_factory=dict)
    kept: int = 0
    """Number of parts that were answered before."""


def run_job(job: Job, sources: Sequence[Source], loaded: LoadedScorer, engine: Engine, watch: Watch) -> Outcome:
    """Answer sources.

    Args:
        job: The job.
        sources: The sources.
        loaded: What answers, here used for the columns alone.
        engine: Answers the parts.
        watch: Shows how far it is.

    Raises:
        ScoringError: If the output cannot be written, a source changes meanwhile, or the engine fails. What is done by
            then is not done again by the next run.
    """
    sizes = job.output.sizes() if job.output.folder is None or job.output.folder.is_dir() else {}
    before = _read(job, sizes)
    stamps = _read_stamps(job, sizes)
    old = {entry.source: entry for entry in before.sources} if before else {}
    entries: dict[str, SourceEntry] = dict(old)
    planned: list[_Planned] = []
    tasks: list[Task] = []
    for number, source in enumerate(sources):
        entry = old.get(source.name)
        if entry is not None and _is_done(job, entry, source, stamps, sizes):
            continue
        each = _plan(job, source, loaded, sizes)
        planned.append(each)
        tasks += _tasks(each)
        watch.planned(number + 1)
    kept = sum(len(entries[source.name].parts) for source in sources if source.name in entries) if not planned else 0
    kept += sum(each.kept for each in planned)
    if planned:
        watch.begin(sum(task.plan.parts[index].rows for task in tasks for index in task.indexes))
        by_name = {each.plan.source.name: each for each in planned}
        for plan, receipt in engine(job, tasks, watch.answered):
            by_name[plan.source.name].receipts[receipt.part] = receipt
        for each in planned:
            entries[each.plan.source.name] = _entry(job, each)
        _finish(job, entries, old, planned, stamps)
    counts = _counts([entries[source.name] for source in sources])
    return Outcome(counts, sum(len(task.indexes) for task in tasks), kept, bool(planned))


def _is_done(
    job: Job, entry: SourceEntry, source: Source, stamps: dict[str, tuple[str, str]], sizes: dict[str, int]
) -> bool:
    return (
        entry.job == job.identity
        and entry.digest != UNREADABLE
        and stamps.get(source.name) == (source.stamp, entry.digest)
        and are_there(entry.files, sizes)
    )


def _plan(job: Job, source: Source, loaded: LoadedScorer, sizes: dict[str, int]) -> _Planned:
    try:
        plan = plan_source(source, loaded.scorer.columns)
    except InputError as error:
        try:
            digest = source.digest()
        except InputError:
            digest = UNREADABLE
        return _rejected(job, Plan(source, digest, "none", ()), error.problems)
    each = _Planned(plan)
    for index in range(len(plan.parts)):
        if (receipt := read_receipt(job, plan, index, sizes)) is not None:
            each.receipts[index] = receipt
    each.kept = len(each.receipts)
    return each


def _rejected(job: Job, plan: Plan, problems: Sequence[Problem]) -> _Planned:
    return _Planned(plan, {0: unreadable(job, plan, 0, problems)})


def _tasks(each: _Planned) -> list[Task]:
    missing = [index for index in range(len(each.plan.parts)) if index not in each.receipts]
    if each.plan.is_seekable:
        return [Task(each.plan, [index]) for index in missing]
    return [Task(each.plan, missing)] if missing else []


def _entry(job: Job, each: _Planned) -> SourceEntry:
    receipts = [receipt for _, receipt in sorted(each.receipts.items())]
    plan = each.plan
    return SourceEntry(
        source=plan.source.name,
        bytes=plan.source.size,
        digest=plan.digest,
        format=plan.format,
        job=job.identity,
        program=__version__,
        models=[ModelEntry(*digest) for digest in job.digests],
        is_readable=all(receipt.is_readable for receipt in receipts),
        rows=sum(receipt.rows for receipt in receipts),
        answered=sum(receipt.answered for receipt in receipts),
        failed=sum(receipt.failed for receipt in receipts),
        parts=[
            PartEntry(each.first_row, each.rows, each.answered, each.failed, each.predictions, each.errors)
            for each in receipts
        ],
    )


def _counts(entries: Sequence[SourceEntry]) -> Counts:
    return Counts(
        sources=len(entries),
        unreadable=sum(not entry.is_readable for entry in entries),
        rows=sum(entry.rows for entry in entries),
        answered=sum(entry.answered for entry in entries),
        failed=sum(entry.failed for entry in entries),
    )


def _finish(
    job: Job,
    entries: dict[str, SourceEntry],
    old: dict[str, SourceEntry],
    planned: Sequence[_Planned],
    stamps: dict[str, tuple[str, str]],
) -> None:
    """Write the manifest, and delete what earlier runs wrote about the same sources and is no longer true."""
    for each in planned:
        stamps[each.plan.source.name] = each.plan.source.stamp, each.plan.digest
    job.output.write(STAMPS, to_json(dict(sorted(stamps.items()))) + b"\n")
    listed = [entries[name] for name in sorted(entries)]
    manifest = Manifest(1, _counts(listed), listed)
    job.output.write(MANIFEST, to_json(manifest, indent=1) + b"\n")
    wanted = {file.file for entry in listed for file in entry.files}
    for each in planned:
        wanted |= {f"{RECEIPTS}/{part_name(each.plan, index)}.json" for index in range(len(each.plan.parts))}
    stems = {stem_of(each.plan.source.name, each.plan.digest) for each in planned}
    stems |= {stem_of(name, old[name].digest) for name in old if any(name == e.plan.source.name for e in planned)}
    for name in job.output.sizes():
        file = name.rpartition("/")[2]
        is_unfinished = file.startswith(".") and file.endswith(PART)  # by a process that was killed
        if is_unfinished or (name not in wanted and file.rpartition("-")[0] in stems):
            job.output.delete(name)


def _read(job: Job, sizes: dict[str, int]) -> Manifest | None:
    data = job.output.read(MANIFEST) if MANIFEST in sizes else None
    if data is None:
        return None
    try:
        return _manifest.validate_json(data)
    except ValidationError:
        raise ScoringError(f"{job.output.address}/{MANIFEST}: is not a manifest of this program") from None


def _read_stamps(job: Job, sizes: dict[str, int]) -> dict[str, tuple[str, str]]:
    data = job.output.read(STAMPS) if STAMPS in sizes else None
    try:
        return _stamps.validate_json(data) if data is not None else {}
    except ValidationError:
        return {}
