"""Selection of the defaults: nested, on separate folds, written to the file that the models read."""

import dataclasses
import json

import numpy as np
import pytest

from training.beer.catalogue import SPECS
from training.beer.vitals import VITALS
from training.evaluate import REPORTED_FOLDS
from training.selection import SELECTION_FOLDS, select, write_defaults
from training.spec import Parameters


@pytest.fixture(scope="module")
def searched(quick):
    useless = quick.centre.model_copy(update={"rounds": 1, "eta": 1e-6, "trend": False})
    candidates = {"useless": quick.model_copy(update={"centre": useless}), "sound": quick}
    return dataclasses.replace(VITALS, candidates=candidates)


def test_the_better_candidate_is_chosen_and_the_nested_figure_is_given(searched, data):
    choice = select(searched, data, seed=0, workers=1, repeats=1)
    assert choice.name == choice.note["chosen"] == "sound"
    assert choice.parameters == searched.candidates["sound"]
    assert choice.note["candidates"]["sound"] < choice.note["candidates"]["useless"]
    assert choice.note["times_chosen_inside"] == {"useless": 0, "sound": 5}
    assert choice.note["nested"]["mae"] == pytest.approx(choice.note["candidates"]["sound"], abs=0.01)
    assert choice.note == select(searched, data, seed=0, workers=1, repeats=1).note


def test_the_choice_never_sees_the_reported_folds():
    assert SELECTION_FOLDS != REPORTED_FOLDS


def test_inner_folds_contain_nothing_of_the_outer_fold(searched, data, monkeypatch):
    from training import selection

    searches = []

    def spy(work, tasks, workers, title):
        searches.extend(tasks)
        return map(work, tasks)

    monkeypatch.setattr(selection, "run_tasks", spy)
    select(searched, data, seed=0, workers=1, repeats=1)
    inner = searches[:10]
    assert [len(task.data.labels) < len(data.labels) for task in searches] == [True] * 10 + [False] * 2
    left_out = [set(data.groups) - set(task.data.groups) for task in inner[::2]]
    assert set.union(*left_out) == set(data.groups)
    assert sum(map(len, left_out)) == len(set(data.groups))
    assert all(task.fold.shape == task.data.labels.shape and np.unique(task.fold).size == 5 for task in inner)


def test_written_defaults_are_read_back(searched, data, tmp_path):
    choice = select(searched, data, seed=0, workers=1, repeats=1)
    path = tmp_path / "defaults.json"
    write_defaults(path, choice, "the command", "ab" * 32)
    document = json.loads(path.read_text())
    assert Parameters.model_validate(document["parameters"]) == choice.parameters
    assert (document["chosen"]["by"], document["chosen"]["sha256"]) == ("the command", "ab" * 32)


@pytest.mark.parametrize("spec", SPECS.values(), ids=list(SPECS))
def test_the_committed_defaults_are_the_best_candidate_of_this_command(spec):
    assert spec.chosen["by"].startswith(f"python -m training select --model {spec.name} ")
    assert spec.defaults == spec.candidates[spec.chosen["chosen"]]
    assert spec.chosen["candidates"][spec.chosen["chosen"]] == min(spec.chosen["candidates"].values())
