"""Kinds of beers, by which figures are given."""

import pandas as pd

from training.beer.kinds import kinds


def _beer(hops, style=None):
    hop = {"name": "Citra", "amount": {"value": 10, "unit": "grams"}, "add": "start"}
    return {"ingredients": {"hops": [hop] * hops, "malt": [{}]}, "style": style}


def test_beers_are_sorted_by_their_hop_additions_and_their_style():
    beers = [_beer(0, "21A"), _beer(3, "5B"), _beer(4, "20C"), _beer(12, "no such style"), _beer(5)]
    found = kinds(pd.DataFrame({"beer": beers}))
    assert found["number of hop additions"] == ["0 to 3", "0 to 3", "4 to 6", "10 or more", "4 to 6"]
    assert found["family of the style"] == ["IPA", "lager", "American amber, brown, porter and stout", "", ""]


def test_a_beer_whose_hops_are_not_recorded_is_in_no_kind():
    assert kinds(pd.DataFrame({"beer": [{}]})) == {"number of hop additions": [""], "family of the style": [""]}


def test_the_figures_by_kind_count_each_beer_once(trained_recipe):
    found = trained_recipe.figures.values()["kinds"]["number of hop additions"]
    assert sum(kind["rows"] for kind in found) == len(trained_recipe.data.rows.labels)
    assert all({"mae", "coverage", "width", "interval_score"} < set(kind) for kind in found)
