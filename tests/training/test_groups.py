"""Groups of related beers and the folds dealt from them."""

import csv

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.quick import SHARED
from training.cleaning import clean
from training.errors import DataError
from training.folds import split
from training.groups import families, join, name_root, related
from training.sources import read_recipes


@pytest.mark.parametrize(
    "name, root",
    [
        ("Sonic Boom V2 (Fanzine)", "sonic bom"),
        ("Albino Squid Assasin", "albino squid asasin"),
        ("Barrel Aged Albino Squid Assassin", "albino squid asasin"),
        ("Zeph's Own — No. 7", "zephs own no"),
        ("(2019)", ""),
    ],
)
def test_name_root(name, root):
    assert name_root(name) == root


def test_three_names_form_a_family_and_two_do_not():
    assert families(["citra one hop only", "saaz one hop only"]) == set()
    assert families(["citra one hop only", "saaz one hop only", "simcoe one hop only"]) == {("one", "hop", "only", "$")}


@given(st.lists(st.sets(st.integers(0, 20), max_size=3), max_size=30))
def test_join_is_the_transitive_closure(keys):
    joined = join(keys)
    linked = np.array([[bool(a & b) for b in keys] for a in keys], dtype=bool).reshape(len(keys), len(keys))
    reach = linked | np.eye(len(keys), dtype=bool)
    for _ in keys:
        reach = (reach.astype(int) @ reach.astype(int)) > 0
    assert (reach == (joined[:, None] == joined[None, :])).all()


def test_the_relations_in_the_data_are_detected(dataset):
    frame, _ = clean(dataset.recipes)
    group = dict(zip(frame["name"], related(frame), strict=True))
    for family in ("One Hop Only", "Greetings From"):
        assert len({g for name, g in group.items() if family in name}) == 1
    assert group["Tin Whistle"] == group["Tin Whistle V2 (Barrel Aged)"]
    assert group["Salt Marsh"] == group["Marsh Samphire"]
    assert group["Grey Heron"] != group["Windfall"]


def test_short_roots_missing_names_and_missing_figures_relate_nothing():
    frame = pd.DataFrame(
        {
            "name": ["AB:01", "AB:02", None, None],
            "abv": [1.0, 2, 3, 4],
            "target_og": [1040.0] * 4,
            "target_fg": [1010.0] * 4,
            "beer": [{}] * 4,
        }
    )
    assert len(set(related(frame))) == 4


def _recipe(litres, *hops):
    bill = [
        {"name": name, "amount": {"value": grams, "unit": "grams"}, "add": time, "attribute": "bitter"}
        for name, grams, time in hops
    ]
    return {"volume": {"value": litres, "unit": "litres"}, "ingredients": {"hops": bill, "malt": []}}


def test_beers_with_equal_hop_bills_are_related():
    bill = ("Magnum", 10.0, "start"), ("Citra", 50.0, "end")
    recipes = {
        "bill": _recipe(20, *bill),
        "other order and spelling": _recipe(20, ("citra hops", 50.0, "End"), ("Magnum (German)", 10.0, "START")),
        "per litre": _recipe(40, ("Magnum", 20.0, "start"), ("Citra", 100.0, "end")),
        "with coffee": _recipe(20, *bill, ("Coffee", 50.0, "end")),
        "other weight": _recipe(20, ("Magnum", 10.0, "start"), ("Citra", 55.0, "end")),
        "other time": _recipe(20, ("Magnum", 10.0, "start"), ("Citra", 50.0, "middle")),
        "other variety": _recipe(20, ("Magnum", 10.0, "start"), ("Mosaic", 50.0, "end")),
        "no hops": _recipe(20),
        "no bill": {},
    }
    count = len(recipes)
    frame = pd.DataFrame(
        {
            "name": [None] * count,
            "abv": np.arange(count) + 3.0,
            "target_og": [1040.0] * count,
            "target_fg": [1010.0] * count,
            "beer": list(recipes.values()),
        }
    )
    assert related(frame).tolist() == [0, 0, 0, 0, 4, 5, 6, 7, 8]


@pytest.mark.skipif(not SHARED.exists(), reason="../shared/data is not here")
def test_beers_joined_by_the_reference_are_joined():
    frame, _ = clean(read_recipes(str(SHARED)).recipes)
    with SHARED.with_name("punk_groups.csv").open() as file:
        reference = {int(row["id"]): int(row["group"]) for row in csv.DictReader(file)}
    own, theirs = related(frame), np.array([reference[number] for number in frame["id"]])
    same = theirs[:, None] == theirs[None, :]
    assert (own[:, None] == own[None, :])[same].all()
    assert len(set(own)) >= len(set(theirs)) - 12  # ours also joins equal hop bills


@given(st.lists(st.integers(0, 12), min_size=30), st.integers(2, 5), st.integers(0, 99))
def test_no_group_is_in_two_folds_and_folds_are_balanced(numbers, folds, seed):
    groups = np.array(numbers, dtype=np.int64)
    if len(set(numbers)) < folds:
        with pytest.raises(DataError, match="cannot make"):
            split(groups, folds, seed)
        return
    fold = split(groups, folds, seed)
    assert all(len(set(fold[groups == group])) == 1 for group in set(numbers))
    sizes = np.bincount(fold, minlength=folds)
    assert sizes.min() > 0
    assert sizes.max() - sizes.min() <= np.bincount(groups).max()


def test_folds_depend_on_the_seed():
    groups = np.arange(50)
    assert (split(groups, 5, 1) == split(groups, 5, 1)).all()
    assert (split(groups, 5, 1) != split(groups, 5, 2)).any()
