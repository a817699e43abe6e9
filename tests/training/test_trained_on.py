"""What a bundle was trained on: which beers are new to it, and which are related to its own."""

import dataclasses
import math

import numpy as np
import pytest

from app.bundle.store import Bundle, read_bundle
from app.errors import BundleError
from training.beer.recipe import RECIPE
from training.beer.vitals import VITALS
from training.spec_trainer import prepare
from training.trained_on import TRAINED_ON, TrainedOn


@pytest.fixture(scope="module")
def bills(dataset):
    return prepare(RECIPE, dataset.recipes)


def test_a_bundle_knows_its_own_beers_and_no_others(trainer, trained, tmp_path):
    bundle = read_bundle(trainer.write(trained, tmp_path))
    known, rows = TrainedOn.read(bundle), trained.data.rows
    assert known == TrainedOn.of(VITALS, rows)
    assert known.includes(rows).all() and known.relates(VITALS, rows.inputs).all()
    others = rows._replace(labels=rows.labels + 1)
    assert not known.includes(others).any() and known.relates(VITALS, others.inputs).all()
    moved = rows.inputs + np.float32(0.01)
    assert not known.includes(rows._replace(inputs=moved)).any() and not known.relates(VITALS, moved).any()


def test_half_of_the_beers_are_told_from_the_other_half(bills):
    first = bills.groups < np.median(bills.groups)
    known = TrainedOn.of(RECIPE, bills.where(first))
    assert (known.includes(bills) == first).all()
    assert (known.relates(RECIPE, bills.inputs) == first).mean() > 0.95


@pytest.mark.parametrize("column, step", [("abv", 1.0), ("hops_early", 0.5), ("alpha_dry", 3.0)])
def test_equal_bills_and_equal_gravities_are_related_each_by_itself(bills, column, step):
    known, place = TrainedOn.of(RECIPE, bills), [c.name for c in RECIPE.inputs].index(column)
    moved = bills.inputs[bills.inputs[:, 6:11].any(axis=1)].copy()
    moved[:, place] += step
    assert known.relates(RECIPE, moved).all(), "only one of the two is moved"
    moved[:, [0, 6]] += 0.123
    assert not known.relates(RECIPE, moved).any()


def test_the_last_bits_of_a_number_do_not_matter_and_missing_gravities_relate_nothing(bills):
    known = TrainedOn.of(RECIPE, bills)
    assert known.relates(RECIPE, np.nextafter(bills.inputs, np.float32(np.inf))).all()
    empty = np.full_like(bills.inputs[:1], math.nan)
    assert not known.relates(RECIPE, empty).any()


def test_a_bundle_of_an_earlier_program_has_no_digests_and_a_damaged_list_is_refused(trainer, trained, tmp_path):
    bundle = read_bundle(trainer.write(trained, tmp_path))
    others = {name: data for name, data in bundle.files.items() if name != TRAINED_ON}
    assert TrainedOn.read(dataclasses.replace(bundle, files=others)) is None
    for damaged in b"", b"r 12", bundle.files[TRAINED_ON] + b"r 1\n":
        with pytest.raises(BundleError, match="not a list of digests"):
            TrainedOn.read(Bundle(bundle.folder, bundle.manifest, {TRAINED_ON: damaged}))
