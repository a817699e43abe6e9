"""Held-out predictions of the centre alone, without an interval: what search and ablation are made of."""

from typing import NamedTuple

import numpy as np

from training.arrays import Array, Groups
from training.ensemble import train
from training.spec import Baseline, Data, Parameters, Spec


class Dealt(NamedTuple):
    """One variant on one deal of folds."""

    spec: Spec
    variant: Parameters | Baseline
    data: Data
    fold: Groups
    """A row's fold, shape (n_rows,)."""
    seed: int


def held_out(task: Dealt) -> Array:
    """Predictions, shape (n_rows,), IBU, each by a model that saw nothing of the row's group."""
    predicted = np.empty_like(task.data.labels)
    for number in np.unique(task.fold):
        held = task.fold == number
        predicted[held] = _trained_on(task, task.data.where(~held), task.data.inputs[held])
    return predicted


def _trained_on(task: Dealt, seen: Data, test: Array) -> Array:
    variant = task.variant
    if not isinstance(variant, Parameters):
        return variant(seen.inputs, seen.labels, test)
    return train(task.spec, variant, seen, (variant.centre,), task.seed, variant.seeds).values(test)[0]
