"""The report of online quality: from the files of labels and records to figures."""

import glob
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from app.bundle.files import MAX_MANIFEST_BYTES, read_file
from app.bundle.manifest import MANIFEST, parse_manifest
from app.errors import BundleError
from app.labels.quality import Quality, has_answer, quality_of
from app.labels.reading import KIND, LabelTally, read_labels
from app.records.files import S3
from app.records.reading import KIND as RECORDS
from app.records.reading import read_records


@dataclass(frozen=True, slots=True)
class Report:
    """Online quality over the labels of a time."""

    labels: int
    """Number of labels."""
    unanswered: int
    """Number of labels among them without a record of the prediction."""
    without_interval: int
    """Number of labels among them whose model answers no bitterness with an interval."""
    skipped: int
    """Number of lines that are no labels."""
    figures: Sequence[Quality]
    """The figures; see `quality_of`."""

    def as_json(self) -> dict[str, Any]:
        """Return the report as a value of JSON."""
        return {
            "labels": self.labels,
            "unanswered": self.unanswered,
            "without_interval": self.without_interval,
            "skipped": self.skipped,
            "figures": [figures.as_json() for figures in self.figures],
        }


def report_of(paths: Iterable[str], models: Path, since: datetime | None = None, s3_endpoint: str = "") -> Report:
    """Compute the online quality.

    Args:
        paths: Files of labels and of records, distinguished by their names, or folders, patterns and ``s3://`` prefixes
            of both.
        models: Folder of the bundles, which state the nominal coverage.
        since: Time from which labels count; by default all.
        s3_endpoint: Address of an S3-compatible store; empty: AWS.

    Raises:
        RecordsError: If a file cannot be read.
    """
    given = [each for path in paths for each in _expanded(path)]
    tally = LabelTally()
    label_paths = [path for path in given if not _name(path).startswith(RECORDS)]
    record_paths = [path for path in given if not _name(path).startswith(KIND)]
    records = read_records(record_paths, s3_endpoint=s3_endpoint)
    labels = [
        label for label in read_labels(label_paths, records, tally, s3_endpoint) if since is None or label.time >= since
    ]
    answered = [label for label in labels if label.is_joined]
    return Report(
        labels=len(labels),
        unanswered=len(labels) - len(answered),
        without_interval=sum(not has_answer(label) for label in answered),
        skipped=tally.skipped,
        figures=quality_of(answered, promised(models)),
    )


def existing(paths: Iterable[str]) -> list[str]:
    """Return the paths that exist, each once; buckets are taken to exist."""
    return [path for path in dict.fromkeys(paths) if path.startswith(S3) or Path(path).exists()]


def promised(models: Path) -> dict[tuple[str, str], float | None]:
    """Return the nominal coverage of each version's interval.

    Args:
        models: Folder of the bundles; those that cannot be read are left out.
    """
    levels: dict[tuple[str, str], float | None] = {}
    for path in models.glob(f"*/*/{MANIFEST}"):
        try:
            manifest = parse_manifest(read_file(path, MAX_MANIFEST_BYTES))
        except (OSError, BundleError):
            continue
        levels[manifest.name, manifest.version] = manifest.coverage
    return levels


def _expanded(path: str) -> list[str]:
    """The files that a pattern matches; it may match labels and records."""
    is_pattern = not path.startswith(S3) and glob.has_magic(path) and not Path(path).exists()
    return sorted(glob.glob(path)) if is_pattern else [path]


def _name(path: str) -> str:
    return path.rpartition("/")[2]
