"""The protocol: grouped folds, repeated; model and baselines on the same folds; nothing tuned on what is reported."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from training.ensemble import train
from training.folds import split
from training.metrics import bands, bootstrap, errors, interval, over_repeats
from training.model import fit
from training.spec import Array, Data, Groups, Parameters, Spec

_Task = TypeVar("_Task")
_Result = TypeVar("_Result")
REPORTED_FOLDS = 0
"""First word of the seeds of the reported folds; selection uses another, so that it never sees them."""


class EvaluationProtocol(NamedTuple):
    """How figures are measured."""

    folds: int = 5
    repeats: int = 10
    seed: int = 0
    workers: int = 2

    def sentence(self, rows: int, groups: int) -> str:
        """The protocol in words, for manifest and card."""
        return (
            f"{self.folds}-fold cross-validation, {self.repeats} repeats, on {rows} beers in {groups} groups: "
            "related beers (same name root or family, or identical ABV, OG and FG, joined transitively) are never "
            "on both sides. The interval is calibrated inside each training part. Mean and standard deviation "
            "over repeats."
        )


@dataclass(frozen=True)
class Evaluation:
    """Held-out predictions of model and baselines, and all figures drawn from them."""

    data: Data
    protocol: EvaluationProtocol
    predicted: Array
    """shape (repeats, n_rows, 3): ibu, lower, upper."""
    baselines: dict[str, Array]
    """Name to predictions, shape (repeats, n_rows)."""
    withheld: dict[str, Array]
    """Optional inputs that were not told to the same models -> predictions, shape (repeats, n_rows, 3)."""

    def table(self) -> dict[str, dict[str, float]]:
        """Errors by model, mean and ``_sd`` over repeats; ``model`` comes last and has its interval's figures too."""
        labels, repeats = self.data.labels, self.protocol.repeats
        found = {
            name: over_repeats(lambda r, p=one: errors(labels, p[r]), repeats)  # type: ignore[misc]
            for name, one in self.baselines.items()
        }
        return found | {"model": self._figures(self.predicted)}

    def without(self) -> dict[str, dict[str, float]]:
        """Figures of the same models on the same beers, where some optional inputs are not told."""
        return {name: self._figures(predicted) for name, predicted in self.withheld.items()}

    def _figures(self, predicted: Array) -> dict[str, float]:
        labels = self.data.labels
        return over_repeats(
            lambda r: {
                **errors(labels, predicted[r, :, 0]),
                **interval(labels, predicted[r, :, 1], predicted[r, :, 2]),
            },
            self.protocol.repeats,
        )

    def paired(self) -> dict[str, dict[str, float]]:
        """The model's MAE minus each baseline's, paired by beer, with a 95 % bootstrap interval over groups."""
        found = {}
        own = np.abs(self.predicted[:, :, 0] - self.data.labels).mean(axis=0)
        for name, one in self.baselines.items():
            gap = own - np.abs(one - self.data.labels).mean(axis=0)
            low, high = bootstrap(gap, self.data.groups, self.protocol.seed)
            found[name] = {"mae_difference": float(gap.mean()), "low": low, "high": high}
        return found

    def by_band(self) -> list[dict[str, float]]:
        """Figures by band of the label, all repeats together; ``rows`` counts each beer once."""
        repeats = self.protocol.repeats
        found = bands(np.tile(self.data.labels, repeats), self.predicted.reshape(-1, 3))
        return [{**band, "rows": band["rows"] / repeats} for band in found]


class _Fold(NamedTuple):
    spec: Spec
    parameters: Parameters
    data: Data
    held: npt.NDArray[np.bool_]
    seed: int


class _Held(NamedTuple):
    """Predictions for a fold's held-out beers."""

    model: Array
    withheld: dict[str, Array]
    baselines: dict[str, Array]


def _predict_fold(task: _Fold) -> _Held:
    train, held = task.data.where(~task.held), task.data.where(task.held)
    model = fit(task.spec, task.parameters, train, task.seed)
    return _Held(
        model.predict(held.inputs),
        {name: model.predict(blanked(task.spec, held.inputs, columns)) for name, columns in task.spec.withheld.items()},
        {name: baseline(train.inputs, train.labels, held.inputs) for name, baseline in task.spec.baselines.items()},
    )


def blanked(spec: Spec, inputs: Array, columns: Sequence[str]) -> Array:
    """The same rows with some inputs missing.

    Args:
        spec: The model.
        inputs: shape (n_rows, n_inputs).
        columns: Names of inputs.
    """
    gone = np.array([column.name in columns for column in spec.inputs])
    return np.where(gone, np.float32(np.nan), inputs)


def reported_folds(groups: Groups, protocol: EvaluationProtocol) -> list[Groups]:
    """The folds that all reported figures are measured on, one deal a repeat.

    Args:
        groups: A row's group, shape (n_rows,).
        protocol: Folds, repeats, seed.
    """
    return [split(groups, protocol.folds, [REPORTED_FOLDS, protocol.seed, r]) for r in range(protocol.repeats)]


def evaluate(spec: Spec, parameters: Parameters, data: Data, protocol: EvaluationProtocol) -> Evaluation:
    """Predict every beer, once a repeat, by a model and baselines that saw nothing of its group.

    Args:
        spec: The model.
        parameters: How it is trained.
        data: The rows.
        protocol: Folds, repeats, seed, processes; their number does not change the figures.

    Raises:
        DataError: There are too few groups for the folds.
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
    results = in_order(_predict_fold, tasks, protocol.workers, f"{spec.name}: evaluating")
    for number, (task, found) in enumerate(zip(tasks, results, strict=True)):
        place = number // protocol.folds, task.held
        predicted[place] = found.model
        for name, one in found.withheld.items():
            withheld[name][place] = one
        for name, one in found.baselines.items():
            baselines[name][place] = one
    return Evaluation(data, protocol, predicted, baselines, withheld)


def leaking_rmse(spec: Spec, parameters: Parameters, data: Data, seed: int) -> dict[str, float]:
    """Row-wise 5-fold RMSE, related beers on both sides: LEAKING, only for comparison with older figures.

    Args:
        spec: The model.
        parameters: How it is trained.
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


def in_order(work: Callable[[_Task], _Result], tasks: Sequence[_Task], workers: int, title: str) -> Iterator[_Result]:
    """Do tasks in processes of their own, with a progress bar on stderr; results come in the tasks' order.

    Args:
        work: A module's function: it and its argument go to other processes.
        tasks: Arguments.
        workers: Processes; 1 does all in this one.
        title: What the bar says.
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
