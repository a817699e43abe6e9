"""Model metrics: runs, rows, and the distribution of the inputs over the deciles of the training data."""

from bisect import bisect_left
from collections.abc import Sequence
from time import time
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from app.bundle.distribution import bins_of, distribution_of, shares_of
from app.bundle.manifest import Manifest
from app.runtime.predictor import Array, Arrays
from app.telemetry.metrics import Family, Registry

_MODEL = ("model", "version")
PREDICTIONS = Family("model_predictions_total", "Rows that a model has answered.", "counter", _MODEL)
EXECUTIONS = Family(
    "model_executions_total", "Runs of a model, each over the rows of one call or of several.", "counter", _MODEL
)
EXECUTION_SECONDS = Family("model_execution_seconds_total", "What a model's runs took.", "counter", _MODEL)
LAST_EXECUTION = Family(
    "model_last_execution_timestamp_seconds", "When a model ran last.", "gauge", _MODEL, merge="max"
)
INVALID = Family(
    "model_invalid_outputs_total", "Runs of a model whose output was not a valid answer.", "counter", _MODEL
)
INPUTS = Family(
    "model_input_values_total",
    "Values of each input, by the tenth of the training data that they fall into; bin missing: there was none.",
    "counter",
    (*_MODEL, "input", "bin"),
)
EXPECTED = Family(
    "model_input_expected_ratio",
    "Share of the training data in a bin: of its values, and in bin missing, where it is known, of its rows.",
    "gauge",
    (*_MODEL, "input", "bin"),
    merge="max",
)
INFO = Family("model_info", "1 for the version that answers.", "gauge", (*_MODEL, "training_data_sha256"), merge="max")

MISSING = "missing"
BULK = 32
"""Number of rows from which counting by column with NumPy is faster."""


class _Binned(NamedTuple):
    """An input that has deciles."""

    name: str
    column: int
    bounds: list[float]
    """Upper bounds of the bins, without the last one's."""
    edges: NDArray[np.float64]
    """The bounds as an array."""
    first: int
    """Index of the first bin's counter in the group; the counters of the other bins follow, then `missing`."""
    missing: int
    """Index of the counter of missing values."""


class _InputMetrics:
    """Counts the values of the inputs that have deciles, by bin."""

    def __init__(self, registry: Registry, manifest: Manifest) -> None:
        self.inputs: list[_Binned] = []
        self.series: list[tuple[Family, tuple[str, ...]]] = []
        labels: list[tuple[str, ...]] = []
        distribution = distribution_of(manifest)
        for column, declared in enumerate(manifest.inputs):
            if not declared.deciles:
                continue
            series = (manifest.name, manifest.version, declared.name)
            bounds, bins = bins_of(declared)
            first, missing = len(labels), len(labels) + len(bins)
            self.inputs.append(_Binned(declared.name, column, bounds, np.array(bounds), first, missing))
            labels += [*((*series, number) for number, _ in bins), (*series, MISSING)]
            expected = {
                number: share for (number, _), share in zip(bins, shares_of(declared, distribution), strict=True)
            }
            if declared.name in distribution.missing:
                expected[MISSING] = distribution.missing[declared.name]
            for number, share in expected.items():
                registry.gauge(EXPECTED, *series, number).set(share)
                self.series.append((EXPECTED, (*series, number)))
        self._counters = registry.counters(INPUTS, labels)
        self.series += ((INPUTS, each) for each in labels)
        self._bins = [(binned.column, binned.bounds, binned.first, binned.missing) for binned in self.inputs]

    def count_rows(self, rows: Array) -> None:
        """Count the values of a few rows, shape (n_rows, n_columns)."""
        for row in rows.tolist():
            self._counters.inc_each(
                [
                    first + bisect_left(bounds, value) if (value := row[column]) == value else missing  # NaN != NaN
                    for column, bounds, first, missing in self._bins
                ]
            )

    def count_columns(self, columns: Sequence[Array]) -> None:
        """Count the values of many rows: one array of shape (n_rows,) for each of `inputs`."""
        for binned, values in zip(self.inputs, columns, strict=True):
            bins = len(binned.edges) + 1
            # NaN sorts after every number, into the last bin
            indices = np.where(np.isnan(values), bins, binned.edges.searchsorted(values))
            self._counters.add(binned.first, np.bincount(indices, minlength=bins + 1))


class ModelMetrics:
    """Counts one version's rows and, where the manifest has deciles, their values."""

    def __init__(self, registry: Registry, manifest: Manifest) -> None:
        """Initialize the model metrics.

        Args:
            registry: Holds the figures.
            manifest: Of the version.
        """
        self._rows = registry.counter(PREDICTIONS, manifest.name, manifest.version)
        self._executions = registry.counter(EXECUTIONS, manifest.name, manifest.version)
        self._seconds = registry.counter(EXECUTION_SECONDS, manifest.name, manifest.version)
        self._last = registry.gauge(LAST_EXECUTION, manifest.name, manifest.version)
        self.invalid = registry.counter(INVALID, manifest.name, manifest.version)
        """Counts the runs whose output is not a valid answer."""
        self._packed = manifest.packed
        self._inputs = _InputMetrics(registry, manifest)
        version = manifest.name, manifest.version
        info = *version, manifest.training_data.sha256[:12]
        self._info = registry.gauge(INFO, *info)
        families = PREDICTIONS, EXECUTIONS, EXECUTION_SECONDS, LAST_EXECUTION, INVALID
        registry.own(self, [*((family, version) for family in families), (INFO, info), *self._inputs.series])

    def activate(self) -> None:
        """Mark this version as the default."""
        self._info.set(1.0)

    def observe(self, inputs: Arrays, seconds: float) -> None:
        """Count one run of the model.

        Args:
            inputs: See `Predictor.predict`.
            seconds: Duration of the run.
        """
        packed = None if self._packed is None else inputs[self._packed]
        rows = len(packed if packed is not None else next(iter(inputs.values())))
        self._rows.inc(rows)
        self._executions.inc()
        self._seconds.inc(seconds)
        self._last.set(time())
        binned = self._inputs.inputs
        if not binned:
            return
        if packed is None:
            self._inputs.count_columns([inputs[one.name].ravel() for one in binned])
        elif rows < BULK:
            self._inputs.count_rows(packed)
        else:
            self._inputs.count_columns([packed[:, one.column] for one in binned])

    def retire(self) -> None:
        """Mark this version as no longer the default."""
        self._info.set(0.0)
