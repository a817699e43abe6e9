"""Held-out predictions without an interval, for search and ablation."""

from typing import NamedTuple

import numpy as np

from training.arrays import Array, Groups
from training.ensemble import train
from training.spec import Baseline, Data, Parameters, Spec


class FoldTask(NamedTuple):
    """One variant on one set of folds."""

    spec: Spec
    variant: Parameters | Baseline
    data: Data
    fold: Groups
    """A row's fold, shape (n_rows,)."""
    seed: int


def predict_held_out(task: FoldTask) -> Array:
    """Predict each row by a model that did not see its group; shape (n_rows,), IBU."""
    predicted = np.empty_like(task.data.labels)
    for number in np.unique(task.fold):
        held = task.fold == number
        predicted[held] = _trained_on(task, task.data.where(~held), task.data.inputs[held])
    return predicted


def _trained_on(task: FoldTask, seen: Data, test: Array) -> Array:
    variant = task.variant
    if not isinstance(variant, Parameters):
        return variant(seen.inputs, seen.labels, test)
    return train(task.spec, variant, seen, (variant.centre,), task.seed, variant.seeds).values(test)[0]
