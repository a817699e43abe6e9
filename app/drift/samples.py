"""Samples: what a version was asked and what it answered, from recorded rows or from the counters of ``/metrics``."""

import re
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from app.bundle.manifest import Manifest
from app.domains.beer.metrics import BITTERNESS
from app.domains.beer.metrics import WIDTH as WIDTHS
from app.drift.recipes import one_of_each
from app.drift.variables import WIDTH, Count, Variable, variables_of
from app.models.metrics import INPUTS, MISSING
from app.records.reading import Record

REPEATS = 10
"""Number of counted rows that are one recipe, because counters cannot group them by recipe: the mean size of a row's
group (the design effect of clusters), twice what docs/drift.md simulates."""
TRIES = 200
"""Largest number of counted rows that one recipe may have without raising an alarm."""
ONE_BREWER = 15
"""Number of recipes for which one brewer may count in recorded rows, who changes a recipe beyond recognition again and
again: 200 variants on four evenings count as up to 13."""
_HISTOGRAMS = {BITTERNESS.name: ("ibu", BITTERNESS.buckets), WIDTHS.name: (WIDTH, WIDTHS.buckets)}
"""The answers that the service counts, by metric."""
_SERIES = re.compile(r"^([a-z_]+)\{([^{}]*)\} ([0-9.eE+]+)$", re.MULTILINE)
_LABEL = re.compile(r'([a-z_0-9]+)="([^"\\]*)"')

Manifests = Callable[[str, str], Manifest | None]
"""Returns the manifest of a model's version; None if there is no such bundle."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What a version was asked and what it answered."""

    model: str
    version: str
    rows: int
    """Number of rows."""
    recipes: int
    """Number of recipes that they count as."""
    counts: tuple[tuple[Variable, Count], ...]
    """The variables with the number of recipes in each bin."""
    allowance: int
    """Number of recipes among them that may be one brewer's; see `app.drift.significance.compare`."""


class Rows:
    """Recorded rows of one version."""

    def __init__(self, manifest: Manifest) -> None:
        """Begin with no rows.

        Args:
            manifest: Of the version.
        """
        self._manifest = manifest
        self._names = [declared.name for declared in manifest.inputs]
        self._variables = variables_of(manifest)
        self._answers = [variable.name for variable in self._variables if variable.kind == "answer"]
        self._inputs, self._outputs, self._times = array("f"), array("f"), array("d")

    def add(self, record: Record) -> None:
        """Add a row."""
        self._inputs.extend(record.inputs.get(name, np.nan) for name in self._names)
        self._outputs.extend(_answer(record.outputs, name) for name in self._answers)
        self._times.append(record.time.timestamp())

    def sample(self) -> Sample:
        """Return the sample, in which each recipe counts once; see `one_of_each`."""
        manifest, count = self._manifest, len(self._times)
        inputs = np.frombuffer(self._inputs, np.float32).reshape(count, len(self._names))
        outputs = np.frombuffer(self._outputs, np.float32).reshape(count, len(self._answers))
        chosen = one_of_each(inputs, np.frombuffer(self._times))
        columns = dict(zip((*self._names, *self._answers), (*inputs[chosen].T, *outputs[chosen].T), strict=True))
        counts = tuple((variable, variable.count(columns[variable.name])) for variable in self._variables)
        return Sample(manifest.name, manifest.version, count, len(chosen), counts, ONE_BREWER)


def recorded(
    records: Iterable[Record],
    manifests: Manifests,
    model: str | None = None,
    version: str | None = None,
    since: datetime | None = None,
) -> tuple[list[Sample], dict[tuple[str, str], int]]:
    """Collect recorded rows by version.

    Args:
        records: The records.
        manifests: Finds manifests.
        model: Only rows of this model.
        version: Only rows of this version.
        since: Only rows that were answered at this time or later.

    Returns:
        A sample for each version; and the number of rows of each version without a bundle.
    """
    found: dict[tuple[str, str], Rows | None] = {}
    left_out: dict[tuple[str, str], int] = defaultdict(int)
    for record in records:
        if model not in (None, record.model) or version not in (None, record.version):
            continue
        if since is not None and record.time < since:
            continue
        key = record.model, record.version
        if key not in found:
            manifest = manifests(*key)
            found[key] = Rows(manifest) if manifest else None
        rows = found[key]
        if rows is None:
            left_out[key] += 1
        else:
            rows.add(record)
    return [rows.sample() for _, rows in sorted(found.items()) if rows], dict(left_out)


def counted(
    text: str, manifests: Manifests, model: str | None = None, version: str | None = None
) -> tuple[list[Sample], dict[tuple[str, str], int]]:
    """Collect counters by version.

    Args:
        text: Metrics in the Prometheus text format.
        manifests: Finds manifests.
        model: Only figures of this model.
        version: Only figures of this version.

    Returns:
        See `recorded`.
    """
    figures: dict[tuple[str, str], dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for name, text_of_labels, value in _SERIES.findall(text):
        labels = dict(_LABEL.findall(text_of_labels))
        key = labels.get("model", ""), labels.get("version", "")
        if model not in (None, key[0]) or version not in (None, key[1]):
            continue
        if name == INPUTS.name and {"input", "bin"} <= labels.keys():
            figures[key][labels["input"]][labels["bin"]] = float(value)
        elif name.removesuffix("_bucket") in _HISTOGRAMS and "le" in labels:
            figures[key][_HISTOGRAMS[name.removesuffix("_bucket")][0]][labels["le"]] = float(value)
    samples, left_out = [], {}
    for key, by_variable in sorted(figures.items()):
        manifest = manifests(*key)
        rows = round(max(_rows_of(bins) for bins in by_variable.values()))
        if manifest and rows:
            samples.append(_sample(manifest, rows, by_variable))
        elif rows:
            left_out[key] = rows
    return samples, left_out


def _rows_of(bins: dict[str, float]) -> float:
    return bins["+Inf"] if "+Inf" in bins else sum(bins.values())


def _sample(manifest: Manifest, rows: int, figures: dict[str, dict[str, float]]) -> Sample:
    counts = []
    for variable in variables_of(manifest, list(_HISTOGRAMS.values())):
        of_bins = figures.get(variable.name)
        if of_bins is None or not set(variable.bins) <= of_bins.keys():
            continue  # another program counted, with other bins
        values = np.array([of_bins[name] for name in variable.bins])
        if variable.kind == "answer":
            values = np.diff(values, prepend=0.0)  # a bucket counts those below, too
        missing = round(of_bins.get(MISSING, 0) / REPEATS)
        counts.append((variable, Count(np.rint(values / REPEATS).astype(np.int64), missing)))
    return Sample(manifest.name, manifest.version, rows, rows // REPEATS, tuple(counts), TRIES // REPEATS)


def _answer(outputs: dict[str, float], name: str) -> float:
    if name == WIDTH:
        return outputs.get("upper", np.nan) - outputs.get("lower", np.nan)
    return outputs.get(name, np.nan)
