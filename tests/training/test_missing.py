"""Figures by pattern of what a request leaves out."""

import numpy as np
import pytest

from app.domains.beer.inputs import names
from app.domains.beer.recipe import ASSUMED_ALPHA
from training.beer.recipe import RECIPE
from training.beer.vitals import VITALS
from training.missing import blanked, patterns, without
from training.spec import column_of


def test_hidden_inputs_are_missing_and_the_others_unchanged(data):
    hidden = blanked(VITALS, data.inputs, ("ebc", "ph"))
    assert np.isnan(hidden[:, [3, 5]]).all()
    assert (hidden[:, [0, 1, 2]] == data.inputs[:, [0, 1, 2]]).all()


def test_every_subset_of_the_optional_fields_is_measured(trained, trained_recipe):
    assert patterns(VITALS) == [(), ("colour",), ("ph",), ("colour", "ph")]
    for run, fields in ((trained, 2), (trained_recipe, 5)):
        missing = run.figures.values()["missing"]
        assert len({tuple(found["fields"]) for found in missing}) == 2**fields
        assert all(found["fields"] == sorted(found["fields"]) for found in missing)


def test_with_nothing_missing_the_figures_are_the_models_own(trained_recipe):
    values = trained_recipe.figures.values()
    first, both = values["missing"][0], values["not_told"]["malts and yeast"]
    for name in ("mae", "width", "coverage", "interval_score"):
        assert first[name] == values[name]
        assert next(m for m in values["missing"] if m["fields"] == ["malts", "yeast"])[name] == both[name]


def test_without_varieties_every_hop_has_the_assumed_alpha_acid(trained_recipe):
    data = trained_recipe.data.rows
    nameless = without(RECIPE, data, ("ph", "varieties"))
    grams, alpha = (column_of(RECIPE.inputs, name) for name in ("hops_dry", "alpha_dry"))
    assert nameless[:, alpha] == pytest.approx(nameless[:, grams] * ASSUMED_ALPHA * 10, rel=1e-3)
    assert (nameless != data.inputs)[:, alpha].any() and (nameless[:, grams] == data.inputs[:, grams]).all()
    assert np.isnan(nameless[:, column_of(RECIPE.inputs, "ph")]).all()


def test_the_fields_cover_all_optional_inputs():
    for spec in (VITALS, RECIPE):
        told = [name for columns in spec.facts.values() for name in columns]
        assert sorted(told) == sorted(column.name for column in spec.inputs if column.optional)
        assert set(told) <= set(names(spec.inputs))
