"""Sources are merged by beer: what two sources state counts once, and what only looks alike counts twice."""

import pytest

from training.refresh.merge import merge
from training.sources import RecipeDataset
from training.sources.base import digest


def dataset(name, *recipes):
    return RecipeDataset(name, digest(recipes), recipes)


def beer(**changed):
    hops = [{"name": "Citra", "amount": {"value": 20, "unit": "grams"}, "add": "start", "attribute": "bitter"}]
    own = {"id": 1, "name": "Pale Ale", "abv": 5.4, "target_og": 1053, "target_fg": 1011, "ibu": 40, "ebc": 17}
    return {**own, "ingredients": {"hops": hops, "malt": [], "yeast": None}, **changed}


def test_a_beer_of_two_sources_counts_once_and_the_first_one_s_label_counts():
    first, second = dataset("a", beer()), dataset("b", beer(id=77, name="PALE  ale", ibu=55), beer(id=2, abv=6.0))
    merged = merge([first, second])
    assert [recipe["ibu"] for recipe in merged.dataset.recipes] == [40, 40]
    assert [source[1:] for source in merged.sources] == [(1, 0, 0), (2, 1, 1)]
    step = merged.step(3)
    assert (step.rows_before, step.rows_affected, step.rows_after) == (6, 1, 5)
    assert merge([second, first]).dataset.recipes[0]["ibu"] == 55
    assert merged.dataset.source == "a + b"


@pytest.mark.parametrize(
    ("other", "same"),
    [
        (beer(target_og=1.053, target_fg="1.011"), True),
        (beer(name=None), True),
        (beer(ingredients=None), True),
        (beer(name=None, ingredients=None), True),
        (beer(name=None, ingredients=None, ebc=18), False),
        (beer(name="Amber Ale"), False),
        (beer(ingredients={"hops": [{"name": "Fuggles", "amount": {"value": 5, "unit": "grams"}}]}), False),
        (beer(target_fg=1012), False),
        (beer(target_fg=None), False),
    ],
    ids=["units", "no name", "no bill", "figures alone", "colour", "other name", "other bill", "FG", "no FG"],
)
def test_name_bill_and_figures_say_whether_two_beers_are_one(other, same):
    assert len(merge([dataset("a", beer()), dataset("b", other)]).dataset.recipes) == (1 if same else 2)


def test_equal_ids_of_two_sources_are_not_one_beer():
    """Cleaning drops a recipe with an id seen before."""
    merged = merge([dataset("a", beer()), dataset("b", beer(abv=7.0))])
    assert [recipe["id"] for recipe in merged.dataset.recipes] == ["1:1", "2:1"]


def test_a_recipe_without_a_label_does_not_stand_in_the_way_of_one_with_it():
    merged = merge([dataset("a", beer(ibu=None)), dataset("b", beer())])
    assert [recipe["ibu"] for recipe in merged.dataset.recipes] == [None, 40]


def test_a_single_source_stays_as_it_is():
    only = dataset("a", beer(), beer())
    assert merge([only]).dataset is only
