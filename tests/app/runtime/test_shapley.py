"""Shapley values: additive, exact, and the same as the shap package's."""

import warnings

import numpy as np
import pytest
from numpy.typing import NDArray

from app.domains.beer.api import RECIPE, VITALS
from app.models.manager import ModelManager
from app.runtime.golden import pack
from app.runtime.shapley import ShapleyExplainer

GROUPS = [[0], [1, 2], [3], [4, 5]]


def curved(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """A function in which groups interact."""
    a, b, c, d, e, f = rows.T
    return (a * b + np.sin(c) * d * e + f**2 + np.where(a > 0, e, d)).astype(np.float32)


@pytest.fixture
def background() -> NDArray[np.float32]:
    return np.random.default_rng(7).normal(size=(12, 6)).astype(np.float32)


@pytest.fixture
def explainer(background: NDArray[np.float32]) -> ShapleyExplainer:
    return ShapleyExplainer(GROUPS, background, curved)


def test_base_and_contributions_add_up_to_the_prediction(explainer: ShapleyExplainer) -> None:
    for row in np.random.default_rng(8).normal(size=(20, 6)).astype(np.float32):
        total = explainer.base_value + explainer.contributions(row).sum()
        assert total == pytest.approx(float(curved(row[None])[0]), abs=1e-5)


def test_a_group_without_influence_contributes_nothing(background: NDArray[np.float32]) -> None:
    explainer = ShapleyExplainer(GROUPS, background, lambda rows: rows[:, 0] * rows[:, 1])
    contributions = explainer.contributions(np.ones(6, dtype=np.float32))
    assert contributions[2:] == pytest.approx([0, 0])


def test_contributions_agree_with_the_exact_explainer_of_shap(background: NDArray[np.float32]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what numba and shap warn of at import is theirs
        shap = pytest.importorskip("shap")
    ours = ShapleyExplainer([[column] for column in range(6)], background, curved)
    theirs = shap.explainers.Exact(curved, shap.maskers.Independent(background))
    for row in np.random.default_rng(9).normal(size=(5, 6)).astype(np.float32):
        expected = theirs(row[None])
        assert ours.contributions(row) == pytest.approx(expected.values[0], abs=1e-3)
        assert ours.base_value == pytest.approx(float(np.ravel(expected.base_values)[0]), abs=1e-3)


def test_grouped_contributions_agree_with_shap_over_coalitions(background: NDArray[np.float32]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shap = pytest.importorskip("shap")
    owner = np.array([0, 1, 1, 2, 3, 3])
    row = np.random.default_rng(10).normal(size=6).astype(np.float32)

    def worth(coalitions: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array([curved(np.where(c[owner] > 0, row, background)).mean() for c in coalitions])

    expected = shap.explainers.Exact(worth, shap.maskers.Independent(np.zeros((1, 4))))(np.ones((1, 4)))
    ours = ShapleyExplainer(GROUPS, background, curved).contributions(row)
    assert ours == pytest.approx(expected.values[0], abs=1e-3)


@pytest.mark.parametrize("name", [VITALS, RECIPE])
def test_the_bundles_explanations_agree_with_shap(manager: ModelManager, name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shap = pytest.importorskip("shap")
    predictor = manager.get(name).predictor
    manifest = predictor.manifest
    assert manifest.explanation is not None and manifest.packed is not None
    packed = manifest.packed
    names = [declared.name for declared in manifest.inputs]
    members = [[names.index(one) for one in group.inputs] for group in manifest.explanation.groups]
    owner = np.array([next(g for g, columns in enumerate(members) if c in columns) for c in range(len(names))])
    background = pack(manifest, manifest.explanation.background)[packed]
    row = pack(manifest, manifest.golden.inputs)[packed][0]

    def worth(coalitions: NDArray[np.float64]) -> NDArray[np.float64]:
        mixed = [np.where(c[owner] > 0, row, background) for c in coalitions]
        return np.array([predictor.predict({packed: rows})["ibu"].astype(np.float64).mean() for rows in mixed])

    count = len(members)
    expected = shap.explainers.Exact(worth, shap.maskers.Independent(np.zeros((1, count))))(np.ones((1, count)))
    ours = manager.get(name).explain(row)
    assert [value for _, value in ours.contributions] == pytest.approx(expected.values[0], abs=1e-3)
    assert ours.base_value == pytest.approx(float(np.ravel(expected.base_values)[0]), abs=1e-3)


def test_rows_that_are_the_same_are_predicted_once(background: NDArray[np.float32]) -> None:
    counts = []

    def counted(rows: NDArray[np.float32]) -> NDArray[np.float32]:
        counts.append(len(rows))
        return curved(np.nan_to_num(rows))

    background[:, 3] = np.nan
    explainer = ShapleyExplainer(GROUPS, background, counted)
    row = np.random.default_rng(11).normal(size=6).astype(np.float32)
    explainer.contributions(row)
    assert counts[-1] == (2**4 - 2) * 12 + 1  # nothing is equal
    row[3] = np.nan  # as in every background row: half of the coalitions are left
    contributions = explainer.contributions(row)
    assert counts[-1] == 2**3 * 12 + 1
    assert contributions[2] == 0.0
    assert explainer.base_value + contributions.sum() == pytest.approx(float(counted(row[None])[0]), abs=1e-5)


@pytest.mark.parametrize("groups", [[[0], [1]], [[0, 1, 2], [2, 3, 4, 5]], [[0, 1, 2, 3, 4, 6]]])
def test_groups_must_hold_every_column_once(background: NDArray[np.float32], groups: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="partition"):
        ShapleyExplainer(groups, background, curved)
