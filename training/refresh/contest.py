"""Compares a candidate with the active version: on the same folds, and on beers that the active version never saw.

No prediction that counts is of a model that saw the beer or a related one. The candidate's are from grouped folds. The
active version's are, on the same folds, those of models trained by its parameters on its own beers without the fold;
and, for beers unrelated to all of its training, those of its graph.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from app.bundle.manifest import MODEL
from app.bundle.store import Bundle
from training.arrays import Array, Groups
from training.comparison import ONLY_SIGNIFICANT, Comparison, RowFigures, Tolerances, compare_rows, row_figures
from training.errors import DataError
from training.evaluate import EvaluationProtocol, reported_folds, run_tasks
from training.export import predict_with_graph
from training.model import fit
from training.scoring import COVERAGE
from training.spec import Data, Parameters, Spec, named
from training.trained_on import TrainedOn

Mask = npt.NDArray[np.bool_]
MIN_AT_HAND = 0.9
"""Minimum share of the active version's beers that must be available to repeat its training."""
MIN_FRESH_GROUPS = 10
"""Number of groups of fresh beers below which they decide nothing."""
MIN_ALONE = 30
"""The same where there is no comparison on the same folds."""


@dataclass(frozen=True)
class Known:
    """What is known of the rows the active version was trained on."""

    trained: Mask
    """Whether the active version was trained on a row, shape (n_rows,)."""
    seen: Mask
    """Whether a row is, or is related to, one that the active version was trained on; all, if that is not known."""
    share: float
    """Share of its beers that are among the rows; 0 if it is not known which they are."""
    source: str
    """How this is known, in words."""
    listed: TrainedOn | None
    """Digests of all its beers; None if they are not known."""


@dataclass(frozen=True)
class Side:
    """A version's figures on some beers."""

    name: str
    figures: RowFigures

    def summary(self) -> dict[str, float]:
        """Return ``mae``, ``coverage`` and ``interval_score``."""
        off, missed, score = (float(values.mean()) for values in self.figures)
        return {"mae": off, "coverage": 1 - missed, "interval_score": score}


@dataclass(frozen=True)
class Match:
    """Both versions on the same beers."""

    active: Side
    candidate: Side
    labels: Array
    groups: Groups
    found: Comparison

    @property
    def number_of_groups(self) -> int:
        """Number of groups of related beers."""
        return len(np.unique(self.groups))


@dataclass(frozen=True)
class Contest:
    """The outcome."""

    promised: float
    folds: Match | None
    """On the same folds; None if the active version's training cannot be repeated."""
    why_no_folds: str
    fresh: Match | None
    """On beers that the active version never saw; None if there are none."""

    @property
    def fresh_counts(self) -> bool:
        """Whether there are enough fresh beers to decide something."""
        return self.fresh is not None and self.fresh.number_of_groups >= MIN_FRESH_GROUPS

    @property
    def reasons(self) -> list[str]:
        """The reasons against the candidate, in words; empty if it is no worse."""
        found = []
        if self.folds:
            found += [f"{fault} is worse on the same folds" for fault in self.folds.found.faults]
        if self.fresh and self.fresh_counts:
            found += [f"{fault} is worse on fresh beers" for fault in self.fresh.found.faults]
        if not self.folds and (self.fresh is None or self.fresh.number_of_groups < MIN_ALONE):
            groups = self.fresh.number_of_groups if self.fresh else 0
            few = f"{groups} groups of fresh beers are fewer than {MIN_ALONE}"
            found.append(f"it cannot be judged: {self.why_no_folds}, and {few}")
        return found


class _Fold(NamedTuple):
    spec: Spec
    parameters: Parameters
    data: Data
    train: Mask
    held: Mask
    seed: int


def _predict(task: _Fold) -> Array:
    model = fit(task.spec, task.parameters, task.data.where(task.train), task.seed)
    return model.predict(task.data.inputs[task.held])


def contest(
    spec: Spec,
    data: Data,
    predicted: Array,
    bundle: Bundle,
    known: Known,
    protocol: EvaluationProtocol,
    tolerances: Tolerances,
) -> Contest:
    """Compare the candidate with the active version.

    Args:
        spec: The model.
        data: The candidate's rows.
        predicted: The candidate's predictions on the reported folds, shape (repeats, n_rows, 3).
        bundle: The active version.
        known: What it was trained on.
        protocol: Folds, repeats, seed, workers.
        tolerances: By how much the candidate may be worse on the same folds; on fresh beers only significant
            differences count.

    Raises:
        DataError: If the active version does not have the model's inputs.
    """
    promised = COVERAGE if bundle.manifest.coverage is None else bundle.manifest.coverage
    name = f"{bundle.manifest.name} {bundle.manifest.version}"

    def match(active: Array, rows: Mask, tolerances: Tolerances) -> Match:
        sides = [
            row_figures(data.labels[rows], predictions[..., rows, :], promised) for predictions in (active, predicted)
        ]
        return Match(
            Side(name, sides[0]),
            Side("candidate", sides[1]),
            data.labels[rows],
            data.groups[rows],
            compare_rows(sides[0], sides[1], data.groups[rows], promised, tolerances),
        )

    fresh = match(answers(spec, bundle, data.inputs), ~known.seen, ONLY_SIGNIFICANT) if not known.seen.all() else None
    parameters = parameters_of(spec, bundle, data.inputs)
    why = ""
    if known.listed is None:
        why = f"the beers that {name} was trained on are not known"
    elif known.share < MIN_AT_HAND:
        why = f"only {known.share:.0%} of the beers that {name} was trained on are at hand"
    elif parameters is None:
        why = f"{name} was trained in a way that this program does not have any more"
    if why or parameters is None:
        return Contest(promised, None, why, fresh)
    try:
        again = _repeated(spec, parameters, data, known.trained, protocol)
    except DataError as error:
        return Contest(promised, None, str(error), fresh)
    return Contest(promised, match(again, np.ones(len(data.labels), bool), tolerances), "", fresh)


def parameters_of(spec: Spec, bundle: Bundle, inputs: Array) -> Parameters | None:
    """Return the parameters of a bundle's training; None if this program cannot train that way.

    Args:
        spec: The model.
        bundle: The bundle.
        inputs: Some rows.
    """
    stated = bundle.manifest.parameters
    try:
        found = Parameters.model_validate({name: stated[name] for name in Parameters.model_fields if name in stated})
    except ValidationError:
        return None
    lists = {name for name, value in found.model_dump(mode="json").items() if stated.get(name, value) != value}
    features = spec.features(named(spec, inputs[:1]))
    return None if lists or not set(found.features) <= set(features) else found


def _repeated(spec: Spec, parameters: Parameters, data: Data, trained: Mask, protocol: EvaluationProtocol) -> Array:
    """Repeat the active version's training in each fold; shape (repeats, n_rows, 3)."""
    tasks = [
        _Fold(spec, parameters, data, trained & (fold != number), fold == number, protocol.seed)
        for fold in reported_folds(data.groups, protocol)
        for number in range(protocol.folds)
    ]
    found = np.empty((protocol.repeats, len(data.labels), 3), np.float32)
    results = run_tasks(_predict, tasks, protocol.workers, f"{spec.name}: the active version on the same folds")
    for number, (task, predicted) in enumerate(zip(tasks, results, strict=True)):
        found[number // protocol.folds, task.held] = predicted
    return found


def answers(spec: Spec, bundle: Bundle, inputs: Array) -> Array:
    """Predict with the active version's graph; shape (n_rows, 3)."""
    place = {column.name: number for number, column in enumerate(spec.inputs)}
    names = [declared.name for declared in bundle.manifest.inputs]
    unknown = sorted(set(names) - set(place))
    if unknown:
        raise DataError(f"{bundle.folder}: has inputs that this program does not have: {', '.join(unknown)}")
    rows = np.ascontiguousarray(inputs[:, [place[name] for name in names]])
    return predict_with_graph(bundle.files[MODEL], rows)
