"""Labels that came to the service become rows where they are complete; the others are counted with their reasons."""

import dataclasses
import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from app.labels.label import Label
from tests.training.quick import QUICK
from training.beer.recipe import RECIPE
from training.beer.vitals import VITALS
from training.refresh.gather import with_labels
from training.refresh.labels import label_rows, no_labels
from training.refresh.merge import merge
from training.spec_trainer import SpecTrainer
from training.trained_on import relations

START = datetime(2026, 11, 20, tzinfo=UTC)
BEER = {"abv": 5.4, "target_og": 1053.0, "target_fg": 1011.0, "ebc": 17.0, "srm": math.nan, "ph": 4.4}


def label(number=0, ibu=40.0, kind="stated", **changed):
    inputs = None if changed.get("inputs", ()) is None else {**BEER, **changed}
    own = {"time": START + timedelta(hours=number), "id": str(number), "request_id": None, "row": 0}
    return Label(**own, model="beer-ibu", version="1", inputs=inputs, outputs=None, ibu=ibu, kind=kind)


def without(name):
    return dataclasses.replace(label(), inputs={known: value for known, value in BEER.items() if known != name})


def test_a_complete_label_is_a_row():
    rows = label_rows(VITALS, [label(), label(1, 62.0, "measured", abv=7.0)])
    assert rows.ibu.tolist() == [40, 62] and rows.kinds == ("stated", "measured") and rows.dropped == ()
    assert np.array_equal(rows.inputs[0], np.float32(list(BEER.values())), equal_nan=True)


def test_the_recipe_model_s_labels_serve_the_vitals_model_but_not_the_other_way_round():
    told = {column.name: 0.0 for column in RECIPE.inputs} | BEER
    assert len(label_rows(VITALS, [label(**told)]).ibu) == len(label_rows(RECIPE, [label(**told)]).ibu) == 1
    assert label_rows(RECIPE, [label()]).dropped == (("label_incomplete", 1),)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (label(inputs=None), "label_without_inputs"),
        (without("ph"), "label_incomplete"),
        (label(ibu=151.0), "label_ibu_out_of_range"),
        (label(ibu=0.0), "label_ibu_out_of_range"),
        (label(abv=math.nan), "label_input_out_of_range"),
        (label(target_og=2000.0), "label_input_out_of_range"),
    ],
)
def test_a_label_that_is_no_row_is_counted_with_its_reason(bad, reason):
    rows = label_rows(VITALS, [bad, label(1, abv=6.0)])
    assert (rows.read, len(rows.ibu), rows.dropped) == (2, 1, ((reason, 1),))


def test_an_optional_input_out_of_range_becomes_missing():
    assert np.isnan(label_rows(VITALS, [label(ph=9.0)]).inputs[0, 5])


def test_of_several_labels_of_a_beer_the_latest_counts_for_each_kind():
    rows = label_rows(VITALS, [label(0, 40.0), label(1, 30.0, "measured"), label(2, 44.0), label(3, 45.0)])
    assert dict(zip(rows.kinds, rows.ibu.tolist(), strict=True)) == {"stated": 45, "measured": 30}
    assert rows.dropped == (("label_repeated", 2),)
    both = rows.of_kinds({"stated", "measured"})
    assert both.kinds == ("measured",) and both.dropped[-1] == ("label_also_measured", 1), "one row a beer"
    stated = rows.of_kinds({"stated"})
    assert stated.ibu.tolist() == [45] and stated.dropped[-1] == ("label_other_kind", 1)


@pytest.fixture(scope="module")
def cleaned(dataset):
    return SpecTrainer(VITALS, dataset, QUICK).load()


def test_labels_join_the_recipes_and_all_rows_are_accounted_for(dataset, cleaned):
    merged, count = merge([dataset]), len(cleaned.rows.labels)
    known = dict(zip(BEER, cleaned.rows.inputs[3].tolist(), strict=True))
    came = label_rows(VITALS, [label(0, **known), label(1), label(2, ebc=18.0), label(3, ibu=1.0), label(4, abv=6.5)])
    rows, used = with_labels(VITALS, merged, cleaned, came)
    assert len(rows.rows.labels) == count + 3 and used.ibu.tolist() == [40, 40, 40]
    first, *rest, last = rows.cleaning
    assert [step.rule for step in rows.cleaning[:2]] == ["label_ibu_out_of_range", "label_in_data"]
    assert (first.rows_before, last.rows_after) == (len(dataset.recipes) + 5, count + 3)
    before = first.rows_before
    for step in rows.cleaning:
        assert step.rows_before == before
        before = step.rows_after
        assert before == step.rows_before - (step.rows_affected if step.action == "dropped" else 0)
    assert rows.rows.labels[:count].tolist() == cleaned.rows.labels.tolist()
    assert all(len(kinds) == count + 3 for kinds in rows.kinds.values())
    assert rows.dataset.sha256 != dataset.sha256 and rows.dataset.source == "recipes.json + 3 labels"


def test_a_label_is_in_the_group_of_the_recipes_it_is_related_to(dataset, cleaned):
    place, count = 3, len(cleaned.rows.labels)
    related = dict(zip(BEER, cleaned.rows.inputs[place].tolist(), strict=True)) | {"ph": 4.9}
    came = label_rows(VITALS, [label(0, **related), label(1), label(2, ebc=18.0)])
    groups = with_labels(VITALS, merge([dataset]), cleaned, came)[0].rows.groups
    assert groups[count] == groups[place]
    assert groups[count + 1] == groups[count + 2] and groups[count + 1] not in groups[:count]
    first, second = cleaned.rows.groups[:, None] == cleaned.rows.groups, groups[:count, None] == groups[:count]
    assert (first == second).all(), "labels of other beers do not join recipes"
    assert relations(VITALS, came.inputs[:1])[0] == relations(VITALS, cleaned.rows.inputs[place : place + 1])[0]


def test_without_labels_the_rows_are_those_of_training(dataset, cleaned):
    rows, used = with_labels(VITALS, merge([dataset]), cleaned, no_labels(VITALS))
    assert rows.dataset is dataset and rows.cleaning == cleaned.cleaning and rows.rows is cleaned.rows and not used.read
