"""The evaluation protocol: repeated grouped folds, shared with the baselines, not used for tuning."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from training.ensemble import train
from training.folds import split
from training.metrics import bands, bootstrap, by_kind, errors, interval, interval_score, over_repeats
from training.missing import Pattern, blanked, patterns, without
from training.model import OUTPUTS, fit, outputs_of
from training.spec import Array, Data, Groups, Parameters, Spec

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")
REPORTED_FOLDS = 0
"""First element of the seeds of the reported folds; the selection uses another, so that it never sees these folds."""


class EvaluationProtocol(NamedTuple):
    """How figures are measured; the number of workers does not change them."""

    folds: int = 5
    repeats: int = 10
    seed: int = 0
    workers: int = 2

    def sentence(self, rows: int, groups: int) -> str:
        """Describe the protocol in words, for manifest and card."""
        return (
            f"{self.folds}-fold cross-validation, {self.repeats} repeats, on {rows} beers in {groups} groups: "
            "related beers (same name root or family, identical ABV, OG and FG, or identical hop bills, joined "
            "transitively) are never on both sides. The interval is calibrated inside each training part. Mean and "
            "standard deviation over repeats."
        )


@dataclass(frozen=True)
class Evaluation:
    """Held-out predictions of the model and its baselines, and the figures computed from them."""

    data: Data
    protocol: EvaluationProtocol
    predicted: Array
    """Predictions, shape (repeats, n_rows, 3): ibu, lower, upper."""
    baselines: dict[str, Array]
    """Predictions by baseline, shape (repeats, n_rows) each."""
    withheld: dict[str, Array]
    """Predictions of the same models without some optional inputs, shape (repeats, n_rows, 3) each."""
    coverage: float
    """Share of beers that the interval promises to cover."""
    further: dict[float, Array]
    """Lower and upper bounds of the further intervals by coverage, shape (repeats, n_rows, 2) each."""
    patterns: dict[Pattern, Array]
    """Predictions of the same models by pattern of missing fields, shape (repeats, n_rows, 3) each."""

    def table(self) -> dict[str, dict[str, float]]:
        """Return the errors by model, mean and ``_sd`` over repeats; ``model`` is last, with its interval's figures."""
        labels, repeats = self.data.labels, self.protocol.repeats
        found = {
            name: over_repeats(lambda r, p=one: errors(labels, p[r]), repeats)  # type: ignore[misc]
            for name, one in self.baselines.items()
        }
        return found | {"model": self._figures(self.predicted)}

    def without(self) -> dict[str, dict[str, float]]:
        """Return the figures of the same models without some optional inputs."""
        return {name: self._figures(predicted) for name, predicted in self.withheld.items()}

    def missing(self) -> dict[Pattern, dict[str, float]]:
        """Return the figures of the same models by pattern of missing fields."""
        return {pattern: self._figures(predicted) for pattern, predicted in self.patterns.items()}

    def by_kind(self, kinds: Sequence[str]) -> list[dict[str, Any]]:
        """Return the figures by kind of beer, over all repeats, in order of the kinds' names.

        Args:
            kinds: Each row's kind; empty if it is not known, which leaves the row out.
        """
        return by_kind(self.data.labels, self.predicted, kinds, self.coverage)

    def _figures(self, predicted: Array) -> dict[str, float]:
        labels = self.data.labels
        return over_repeats(
            lambda r: {
                **errors(labels, predicted[r, :, 0]),
                **_interval_figures(labels, predicted[r, :, 1], predicted[r, :, 2], self.coverage),
            },
            self.protocol.repeats,
        )

    def paired(self) -> dict[str, dict[str, float]]:
        """Return the model's MAE minus each baseline's, paired by beer, with a 95 % bootstrap interval over groups."""
        found = {}
        own = np.abs(self.predicted[:, :, 0] - self.data.labels).mean(axis=0)
        for name, one in self.baselines.items():
            gap = own - np.abs(one - self.data.labels).mean(axis=0)
            low, high = bootstrap(gap, self.data.groups, self.protocol.seed)
            found[name] = {"mae_difference": float(gap.mean()), "low": low, "high": high}
        return found

    def by_coverage(self) -> dict[str, dict[str, float]]:
        """Return the figures of the further intervals, by their coverage."""
        repeats = self.protocol.repeats
        return {
            f"{coverage:g}": over_repeats(partial(self._bounds_figures, coverage, bounds), repeats)
            for coverage, bounds in self.further.items()
        }

    def _bounds_figures(self, coverage: float, bounds: Array, repeat: int) -> dict[str, float]:
        return _interval_figures(self.data.labels, bounds[repeat, :, 0], bounds[repeat, :, 1], coverage)

    def coverage_range(self) -> dict[str, float]:
        """Return the 95 % bootstrap interval of the coverage over groups, ``low`` and ``high``."""
        labels, (lower, upper) = self.data.labels, np.moveaxis(self.predicted[:, :, 1:], 2, 0)
        held = ((lower <= labels) & (labels <= upper)).mean(axis=0)
        low, high = bootstrap(held, self.data.groups, self.protocol.seed)
        return {"low": low, "high": high}

    def by_band(self) -> list[dict[str, float]]:
        """Return the figures by band of the label, over all repeats; ``rows`` counts each beer once."""
        repeats = self.protocol.repeats
        found = bands(np.tile(self.data.labels, repeats), self.predicted.reshape(-1, 3), self.coverage)
        return [{**band, "rows": band["rows"] / repeats} for band in found]


def _interval_figures(labels: Array, lower: Array, upper: Array, coverage: float) -> dict[str, float]:
    score = float(interval_score(labels, lower, upper, coverage).mean())
    return {**interval(labels, lower, upper), "interval_score": score}


class _Fold(NamedTuple):
    spec: Spec
    parameters: Parameters
    data: Data
    held: npt.NDArray[np.bool_]
    seed: int


class _FoldPredictions(NamedTuple):
    """Predictions for a fold's held-out beers; the model's with its further intervals."""

    model: Array
    withheld: dict[str, Array]
    baselines: dict[str, Array]
    patterns: dict[Pattern, Array]


def _predict_fold(task: _Fold) -> _FoldPredictions:
    train, held = task.data.where(~task.held), task.data.where(task.held)
    model = fit(task.spec, task.parameters, train, task.seed)
    return _FoldPredictions(
        model.predict(held.inputs, outputs_of(task.parameters)),
        {name: model.predict(blanked(task.spec, held.inputs, columns)) for name, columns in task.spec.withheld.items()},
        {name: baseline(train.inputs, train.labels, held.inputs) for name, baseline in task.spec.baselines.items()},
        {pattern: model.predict(without(task.spec, held, pattern)) for pattern in patterns(task.spec)},
    )


def reported_folds(groups: Groups, protocol: EvaluationProtocol) -> list[Groups]:
    """Return the folds of all reported figures, one assignment a repeat.

    Args:
        groups: A row's group, shape (n_rows,).
        protocol: Folds, repeats, seed.
    """
    return [split(groups, protocol.folds, [REPORTED_FOLDS, protocol.seed, r]) for r in range(protocol.repeats)]


def evaluate(spec: Spec, parameters: Parameters, data: Data, protocol: EvaluationProtocol) -> Evaluation:
    """Predict every beer, once a repeat, by a model and baselines that did not see its group.

    Args:
        spec: The model.
        parameters: How the model is trained.
        data: The rows.
        protocol: Folds, repeats, seed, workers.

    Raises:
        DataError: If there are too few groups for the folds.
    """
    dealt = reported_folds(data.groups, protocol)
    tasks = [
        _Fold(spec, parameters, data, fold == number, protocol.seed)
        for fold in dealt
        for number in range(protocol.folds)
    ]
    shape = (protocol.repeats, len(data.labels))
    predicted = np.empty((*shape, 3), np.float32)
    withheld = {name: np.empty((*shape, 3), np.float32) for name in spec.withheld}
    baselines = {name: np.empty(shape, np.float32) for name in spec.baselines}
    further = {coverage: np.empty((*shape, 2), np.float32) for coverage in parameters.further}
    told = {pattern: np.empty((*shape, 3), np.float32) for pattern in patterns(spec)}
    results = run_tasks(_predict_fold, tasks, protocol.workers, f"{spec.name}: evaluating")
    for number, (task, found) in enumerate(zip(tasks, results, strict=True)):
        place = number // protocol.folds, task.held
        predicted[place] = found.model[:, : len(OUTPUTS)]
        for index, bounds in enumerate(further.values()):
            bounds[place] = found.model[:, len(OUTPUTS) + 2 * index :][:, :2]
        for name, one in found.withheld.items():
            withheld[name][place] = one
        for name, one in found.baselines.items():
            baselines[name][place] = one
        for pattern, one in found.patterns.items():
            told[pattern][place] = one
    return Evaluation(data, protocol, predicted, baselines, withheld, parameters.coverage, further, told)


def leaking_rmse(spec: Spec, parameters: Parameters, data: Data, seed: int) -> dict[str, float]:
    """Measure the row-wise 5-fold RMSE. LEAKING: related beers are on both sides; only to compare with older figures.

    Args:
        spec: The model.
        parameters: How the model is trained.
        data: Rows with labels below 1000, groups unused.
        seed: Seed of folds and samples.

    Returns:
        RMSE of ``model`` and of each baseline.
    """
    fold = split(np.arange(len(data.labels)), 5, [REPORTED_FOLDS, seed])
    found = {name: np.empty_like(data.labels) for name in (*spec.baselines, "model")}
    for number in range(5):
        held = fold == number
        seen, test = data.where(~held), data.inputs[held]
        ensemble = train(spec, parameters, seen, (parameters.centre,), seed, parameters.seeds)
        found["model"][held] = ensemble.values(test)[0]
        for name, baseline in spec.baselines.items():
            found[name][held] = baseline(seen.inputs, seen.labels, test)
    return {name: errors(data.labels, predicted)["rmse"] for name, predicted in found.items()}


def run_tasks(work: Callable[[_Task], _Result], tasks: Sequence[_Task], workers: int, title: str) -> Iterator[_Result]:
    """Run tasks in worker processes, with a progress bar on stderr; results are in the tasks' order.

    Args:
        work: A module-level function, as it is pickled.
        tasks: Its arguments.
        workers: Number of processes; 1 runs all tasks in this process.
        title: Title of the progress bar.
    """
    bar: dict[str, Any] = {"total": len(tasks), "desc": title, "leave": False}
    if workers == 1:
        yield from tqdm(map(work, tasks), **bar)
        return
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        try:
            yield from tqdm(pool.map(work, tasks), **bar)
        finally:
            pool.shutdown(cancel_futures=True)
