"""The verdict: what is tolerated on the same folds, and what a few fresh beers can decide."""

import dataclasses

import numpy as np
import pytest

from app.bundle.store import read_bundle
from training.beer.vitals import VITALS
from training.comparison import Tolerances
from training.evaluate import EvaluationProtocol
from training.refresh.contest import Contest, Known, contest, parameters_of
from training.sources import read_recipes
from training.spec_trainer import prepare
from training.trained_on import TrainedOn

PROTOCOL = EvaluationProtocol(folds=3, repeats=1, workers=1)


@pytest.fixture(scope="module")
def active(first):
    return read_bundle(first / VITALS.name / "1")


@pytest.fixture(scope="module")
def data(files):
    return prepare(VITALS, read_recipes(str(files / "new.json")).recipes)


def judged(fast, data, active, off, width, seen=None, share=0.0):
    """Judge a candidate whose answers are that far from the labels, in an interval of that width."""
    centre = data.labels + np.float32(off)
    predicted = np.stack([centre, data.labels - width / 2, data.labels + width / 2], axis=1)[np.newaxis]
    nothing = np.zeros(len(data.labels), bool)
    known = Known(nothing, nothing if seen is None else seen, share, "", TrainedOn(frozenset(), frozenset()))
    return contest(fast, data, predicted.astype(np.float32), active, known, PROTOCOL, Tolerances())


def test_on_fresh_beers_alone_a_better_candidate_wins_and_a_worse_one_does_not(fast, data, active):
    better = judged(fast, data, active, off=1, width=20)
    assert better.folds is None and better.fresh.number_of_groups >= 30 and better.reasons == []
    worse = judged(fast, data, active, off=60, width=200)
    assert worse.reasons == ["MAE is worse on fresh beers", "interval score is worse on fresh beers"]
    narrow = judged(fast, data, active, off=1, width=-1)
    assert narrow.reasons == ["coverage is worse on fresh beers"]


def test_a_few_fresh_beers_decide_nothing(fast, data, active):
    """Without the same folds, a candidate is not judged by them; with fewer than ten groups, they are not counted."""
    seen = ~np.isin(data.groups, np.unique(data.groups)[:12])
    few = judged(fast, data, active, off=1, width=20, seen=seen)
    assert few.fresh_counts and "12 groups of fresh beers are fewer than 30" in few.reasons[0]
    seen = ~np.isin(data.groups, np.unique(data.groups)[:9])
    worse = judged(fast, data, active, off=60, width=200, seen=seen)
    assert not worse.fresh_counts and len(worse.reasons) == 1
    none = judged(fast, data, active, off=1, width=20, seen=np.ones(len(seen), bool))
    assert none.fresh is None and "0 groups" in none.reasons[0]


def test_a_small_difference_on_fresh_beers_is_chance(fast, data, active):
    """Half of the beers worse than the active version's answers, half better: more than the tolerance of folds."""
    probe = judged(fast, data, active, off=0, width=20).fresh
    off = np.maximum(probe.active.figures.off + np.where(np.arange(len(probe.labels)) % 2, 6, -6), 0)
    found = judged(fast, data, active, off=off, width=20)
    assert 0.1 < found.fresh.found.mae.difference and found.reasons == []


def test_the_training_of_a_version_is_repeated_only_as_it_was(active, data, fast):
    assert parameters_of(VITALS, active, data.inputs) == fast.defaults
    stated = dict(active.manifest.parameters)
    for changed in ({"features": ["abv", "unheard_of"]}, {"centre": None}, {"centre": {**stated["centre"], "new": 1}}):
        manifest = active.manifest.model_copy(update={"parameters": {**stated, **changed}})
        assert parameters_of(VITALS, dataclasses.replace(active, manifest=manifest), data.inputs) is None


def test_nothing_speaks_for_a_candidate_that_was_compared_with_nothing():
    assert Contest(0.9, None, "why", None).reasons == [
        "it cannot be judged: why, and 0 groups of fresh beers are fewer than 30"
    ]
