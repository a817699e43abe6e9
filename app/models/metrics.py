"""The watch: counts what a model is asked, over the deciles of what it was trained on."""

from bisect import bisect_left
from itertools import groupby
from time import time

import numpy as np

from app.bundle.manifest import Input, Manifest
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
INPUTS = Family(
    "model_input_values_total",
    "Values of each input, by the tenth of the training data that they fall into; bin missing: there was none.",
    "counter",
    (*_MODEL, "input", "bin"),
)
EXPECTED = Family(
    "model_input_expected_ratio",
    "Share of the training data's values in a bin: 0.1, or more where deciles coincide.",
    "gauge",
    (*_MODEL, "input", "bin"),
    merge="max",
)
INFO = Family("model_info", "1 for the version that answers.", "gauge", (*_MODEL, "training_data_sha256"), merge="max")

MISSING = "missing"
MANY = 32
"""Rows from which on it pays to count a column's values all at once."""
_TENTH = 0.1


def bins_of(declared: Input) -> tuple[list[float], list[tuple[str, float]]]:
    """The bins of an input, from its deciles.

    Deciles that coincide make one bin that holds their tenths together and has the last one's number. Bounds are
    rounded as the values are that come, to float32: a value that is a decile itself must fall on its own side.

    Args:
        declared: Has deciles.

    Returns:
        The bins' upper bounds, without the last's; each bin's number and share of the training data.
    """
    deciles = [np.float32(value).item() for value in declared.deciles or ()]
    bounds: list[float] = []
    bins: list[tuple[str, float]] = []
    number = 0
    for bound, equal in groupby(deciles):
        tenths = len(list(equal))
        number += tenths
        bounds.append(bound)
        bins.append((str(number), tenths * _TENTH))
    if declared.trained_range and deciles and deciles[-1] >= np.float32(declared.trained_range[1]):
        bins[-1] = (bins[-1][0], bins[-1][1] + _TENTH)
        return bounds, [*bins, (str(number + 1), 0.0)]  # nothing in the training data was above
    return bounds, [*bins, (str(number + 1), _TENTH)]


class _Column:
    """One input's counts."""

    def __init__(self, registry: Registry, manifest: Manifest, declared: Input) -> None:
        labels = (manifest.name, manifest.version, declared.name)
        self.bounds, bins = bins_of(declared)
        self.places = [registry.place(INPUTS, *labels, number) for number, _ in bins]
        self.missing = registry.place(INPUTS, *labels, MISSING)
        self._edges = np.array(self.bounds)
        self._all = np.array([*self.places, self.missing])
        self._array = registry.array
        for number, share in bins:
            registry.values[registry.place(EXPECTED, *labels, number)] = share

    def add_all(self, values: Array) -> None:
        """Count a column's values."""
        # NaN sorts after every number, which would be the last bin
        found = np.where(np.isnan(values), len(self.places), np.searchsorted(self._edges, values))
        self._array[self._all] += np.bincount(found, minlength=len(self._all))


class ModelMetrics:
    """Counts one version's rows and, where the manifest has deciles, their values."""

    def __init__(self, registry: Registry, manifest: Manifest) -> None:
        """Initialize the model metrics.

        Args:
            registry: Holds the figures.
            manifest: Of the version.
        """
        self._values = registry.values
        self._rows = registry.place(PREDICTIONS, manifest.name, manifest.version)
        self._executions = registry.place(EXECUTIONS, manifest.name, manifest.version)
        self._seconds = registry.place(EXECUTION_SECONDS, manifest.name, manifest.version)
        self._last = registry.place(LAST_EXECUTION, manifest.name, manifest.version)
        self._packed = manifest.packed
        self._columns = {
            declared.name: (number, _Column(registry, manifest, declared))
            for number, declared in enumerate(manifest.inputs)
            if declared.deciles
        }
        self._each = [(number, c.bounds, c.places, c.missing) for number, c in self._columns.values()]
        self._info = registry.place(INFO, manifest.name, manifest.version, manifest.training_data.sha256[:12])

    def answers(self) -> None:
        """This version answers who asks for none."""
        self._values[self._info] = 1.0

    def seen(self, inputs: Arrays, seconds: float) -> None:
        """Count what the model has answered.

        Args:
            inputs: See `Predictor.predict`.
            seconds: What the run took.
        """
        packed = None if self._packed is None else inputs[self._packed]
        rows = len(packed if packed is not None else next(iter(inputs.values())))
        values = self._values
        values[self._rows] += rows
        values[self._executions] += 1.0
        values[self._seconds] += seconds
        values[self._last] = time()
        if packed is not None and rows < MANY:
            for row in packed.tolist() if self._each else ():
                for number, bounds, places, missing in self._each:
                    value = row[number]
                    place = places[bisect_left(bounds, value)] if value == value else missing  # NaN is not itself
                    values[place] += 1.0
            return
        for name, (number, column) in self._columns.items():
            column.add_all(inputs[name].ravel() if packed is None else packed[:, number])

    def retire(self) -> None:
        """Another version does, from now on."""
        self._values[self._info] = 0.0
