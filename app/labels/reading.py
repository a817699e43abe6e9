"""Reading labels back from files, joined to the records of what the models answered."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from app.labels.label import Label, from_line
from app.records.files import find_files, read_lines
from app.records.reading import Record

KIND = "feedback-"
"""Beginning of the names of files of labels."""
CLOCK_SKEW = timedelta(minutes=1)
"""How much later than a label its row may seem to have been answered, by another machine's clock."""


@dataclass(slots=True)
class LabelTally:
    """What a reader of labels has read."""

    files: int = 0
    """Number of files."""
    labels: int = 0
    """Number of labels, corrected ones included."""
    skipped: int = 0
    """Number of lines that are no labels, such as the last line of a process that was killed."""


def read_labels(
    paths: Iterable[str | Path], records: Iterable[Record] = (), tally: LabelTally | None = None, s3_endpoint: str = ""
) -> Iterator[Label]:
    """Read labels. Of several with one id, which a caller has corrected, the latest counts.

    Args:
        paths: Files, folders, patterns with ``*``, or ``s3://bucket/prefix``; see `app.records.files.find_files`.
        records: Rows that models answered, such as `app.records.reading.read_records` yields. A label sent with a
            request id gets the model, the inputs and the outputs of the row with its id and index; if there are
            several, since callers may choose the ids themselves, those of the latest before the label. The records are
            read once, and not kept.
        tally: Counts what is read and skipped.
        s3_endpoint: Address of an S3-compatible store; empty: AWS.

    Yields:
        The labels by time. A label whose row is unknown has no model, inputs and outputs.

    Raises:
        RecordsError: If a path does not exist or cannot be read.
    """
    tally = tally or LabelTally()
    latest: dict[str, Label] = {}
    for source in find_files(paths, KIND, s3_endpoint):
        tally.files += 1
        for line in read_lines(source):
            try:
                label = from_line(line)
            except ValueError:
                tally.skipped += 1
                continue
            tally.labels += 1
            known = latest.get(label.id)
            if known is None or label.time >= known.time:
                latest[label.id] = label
    _join(latest, records)
    yield from sorted(latest.values(), key=lambda label: label.time)


def _join(labels: dict[str, Label], records: Iterable[Record]) -> None:
    """Complete the labels that were sent with request ids."""
    wanted: dict[tuple[str, int], list[str]] = {}
    for label in labels.values():
        if label.request_id is not None and not label.is_joined:
            wanted.setdefault((label.request_id, label.row), []).append(label.id)
    if not wanted:
        return
    answered: dict[str, datetime] = {}
    for record in records:
        for name in wanted.get((record.request_id, record.row), ()):
            label = labels[name]
            if record.time > label.time + CLOCK_SKEW or (name in answered and record.time < answered[name]):
                continue
            answered[name] = record.time
            labels[name] = replace(
                label, model=record.model, version=record.version, inputs=record.inputs, outputs=record.outputs
            )
