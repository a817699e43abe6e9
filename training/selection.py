"""Choice of a model's default parameters by nested search, on folds other than the reported ones."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from training.ensemble import train
from training.evaluate import run_tasks
from training.folds import split
from training.held_out import FoldTask, predict_held_out
from training.metrics import errors, over_repeats
from training.spec import Array, Data, Parameters, Spec

SELECTION_FOLDS = 1
"""First element of the seeds of these folds; the reported folds use another."""
REPEATS = 5
FOLDS = 5


class Choice(NamedTuple):
    """Outcome of a search."""

    name: str
    """The best candidate on all rows."""
    parameters: Parameters
    note: dict[str, Any]
    """How it was chosen: each candidate's MAE and the nested MAE, as recorded with the defaults."""


def select(spec: Spec, data: Data, seed: int, workers: int, repeats: int = REPEATS) -> Choice:
    """Choose among the spec's candidates by grouped MAE, and estimate the choice's error by nested folds.

    Outer folds: for each training part the candidates are compared on inner grouped folds of that part alone, the best
    is trained on the part and scored on the part left out. The defaults are then the best on all rows.

    Args:
        spec: The model, with its candidates.
        data: All rows.
        seed: Seed of folds and samples.
        workers: Processes.
        repeats: Repeats of the outer folds.

    Returns:
        The choice.
    """
    outer = [split(data.groups, FOLDS, [SELECTION_FOLDS, seed, repeat]) for repeat in range(repeats)]
    parts = [(fold, number) for fold in outer for number in range(FOLDS)]
    tasks = [
        FoldTask(spec, candidate, part, split(part.groups, FOLDS, [SELECTION_FOLDS, seed, place]), seed)
        for place, (fold, number) in enumerate(parts)
        for part in [data.where(fold != number)]
        for candidate in spec.candidates.values()
    ]
    tasks += [FoldTask(spec, candidate, data, fold, seed) for fold in outer for candidate in spec.candidates.values()]
    scores = [
        float(np.abs(task.data.labels - predicted).mean())
        for task, predicted in zip(
            tasks, run_tasks(predict_held_out, tasks, workers, f"{spec.name}: selecting"), strict=True
        )
    ]
    by_task = np.array(scores).reshape(-1, len(spec.candidates))
    return _choice(spec, data, seed, outer, by_task[: len(parts)], by_task[len(parts) :])


def _choice(spec: Spec, data: Data, seed: int, outer: list[Any], inner: Array, whole: Array) -> Choice:
    names = list(spec.candidates)
    nested = np.empty((len(outer), len(data.labels)), np.float32)
    for place, best in enumerate(inner.argmin(axis=1)):
        repeat, number = divmod(place, FOLDS)
        held = outer[repeat] == number
        parameters = spec.candidates[names[best]]
        ensemble = train(spec, parameters, data.where(~held), (parameters.centre,), seed, parameters.seeds)
        nested[repeat, held] = ensemble.values(data.inputs[held])[0]
    figures = over_repeats(lambda repeat: errors(data.labels, nested[repeat]), len(outer))
    mean = whole.mean(axis=0)
    name = names[int(mean.argmin())]
    note = {
        "candidates": {each: round(float(mae), 3) for each, mae in zip(names, mean, strict=True)},
        "chosen": name,
        "nested": {key: round(value, 3) for key, value in figures.items()},
        "times_chosen_inside": {each: int((inner.argmin(axis=1) == i).sum()) for i, each in enumerate(names)},
        "protocol": f"{FOLDS}-fold grouped, {len(outer)} repeats, seed {seed}, {len(data.labels)} beers",
    }
    return Choice(name, spec.candidates[name], note)


def write_defaults(path: Path, choice: Choice, command: str, sha256: str) -> None:
    """Write the choice as a model's ``defaults.json``.

    Args:
        path: The file.
        choice: From `select`.
        command: The command line.
        sha256: Digest of the data.
    """
    document: Mapping[str, Any] = {
        "chosen": {"by": command, "sha256": sha256, **choice.note},
        "parameters": choice.parameters.model_dump(mode="json"),
    }
    path.write_text(json.dumps(document, indent=2) + "\n", "utf-8")
