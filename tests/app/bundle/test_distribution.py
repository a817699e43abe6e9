"""The distribution of the training data: exact shares where they are known, nominal ones otherwise."""

import numpy as np
import pytest

from app.bundle.distribution import KEY, bins_of, count_bins, distribution_of, shares_of
from app.bundle.manifest import Manifest
from app.bundle.store import read_bundle
from tests.committed import committed


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    return read_bundle(committed("beer-ibu-recipe")).manifest


def _stating(manifest: Manifest, distribution: object) -> Manifest:
    metrics = manifest.metrics.model_copy(update={"values": {**manifest.metrics.values, KEY: distribution}})
    return manifest.model_copy(update={"metrics": metrics})


@pytest.mark.parametrize("name", ["beer-ibu", "beer-ibu-recipe", "beer-ibu-style"])
def test_the_distributions_of_committed_bundles_are_known(name: str) -> None:
    manifest = read_bundle(committed(name)).manifest
    found = distribution_of(manifest)
    assert found.shares.keys() == found.missing.keys() == {declared.name for declared in manifest.inputs}
    assert found.answers.keys() == {"ibu", "interval_width"}
    for declared in manifest.inputs:
        assert shares_of(declared, found) == pytest.approx([share for _, share in bins_of(declared)[1]], abs=0.13)


def test_a_bundle_that_states_no_distribution_has_tenths() -> None:
    manifest = read_bundle(committed("beer-ibu", "1")).manifest
    found = distribution_of(manifest)
    assert found.shares == found.answers == {}
    assert shares_of(manifest.inputs[0], found) == pytest.approx([0.1] * 10)


def test_the_shares_are_those_of_the_manifest(manifest: Manifest) -> None:
    shares = [0.19, 0.01, *[0.1] * 8]
    stated = {"inputs": {"abv": {"missing": 0.25, "shares": shares}}, "answers": {}}
    found = distribution_of(_stating(manifest, stated))
    assert shares_of(manifest.inputs[0], found) == shares
    assert found.missing["abv"] == 0.25 and found.answers == {}


@pytest.mark.parametrize(
    "stated",
    [
        [],
        {"inputs": []},
        {"inputs": {"abv": 1}},
        {"inputs": {"abv": {"shares": [0.5, 0.5], "missing": "none"}}},
        {"inputs": {"abv": {"shares": [0.5] * 10}}, "answers": {"ibu": [1.0, 2.0]}},
        {"answers": {"ibu": [float(n) for n in range(99, 0, -1)]}},
        {"answers": {"ibu": "many"}},
    ],
)
def test_what_a_manifest_states_in_another_form_is_left_out(manifest: Manifest, stated: object) -> None:
    found = distribution_of(_stating(manifest, stated))
    assert found.shares == found.answers == {}
    assert found.missing == {declared.name: 0.0 for declared in manifest.inputs if not declared.optional}
    assert shares_of(manifest.inputs[0], found) == pytest.approx([0.1] * 10)


def test_values_are_counted_on_the_side_on_which_the_service_counts_them() -> None:
    counts = count_bins([np.float32(4.4).item()], np.array([4.4, 4.4000006, np.nan, 2.0], np.float32))
    assert counts.tolist() == [2, 1]
