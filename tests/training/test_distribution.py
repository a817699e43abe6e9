"""The manifest states how the rows trained on are distributed, and the service reads it back."""

import numpy as np
import pytest

from app.bundle.distribution import bins_of, distribution_of
from training.description import declared_input
from training.distribution import WIDTH, answers_of, distribution


def test_shares_count_ties_and_missing_values_as_they_are() -> None:
    values = np.array([*[4.4] * 6, *[4.2] * 3, 4.6, np.nan, np.nan], np.float32)
    declared = declared_input("ph", "pH", "pH of the beer", values, optional=True)
    figures = distribution([declared], values[:, None], {})["inputs"]["ph"]
    assert bins_of(declared)[0] == pytest.approx([4.2, 4.34, 4.4, 4.42])
    assert figures["shares"] == [0.3, 0.0, 0.6, 0.0, 0.1]
    assert figures["missing"] == pytest.approx(2 / 12, abs=1e-4)


def test_the_interval_is_described_by_its_width() -> None:
    outputs = {name: np.full((3, 1), value) for name, value in [("ibu", 30.0), ("lower", 20.0), ("upper", 45.0)]}
    answers = answers_of(outputs)
    assert answers.keys() == {"ibu", WIDTH}
    assert answers[WIDTH].tolist() == [25.0] * 3
    assert answers_of({"class_id": np.zeros((2, 1))}).keys() == {"class_id"}


def test_a_trained_bundle_states_how_its_rows_are_distributed(trainer, trained) -> None:
    manifest = trainer.manifest(trained, "1")
    found = distribution_of(manifest)
    rows = trained.data.rows.inputs
    assert found.missing == pytest.approx(
        {one.name: np.isnan(column).mean() for one, column in zip(manifest.inputs, rows.T, strict=True)}, abs=1e-4
    )
    for declared, column in zip(manifest.inputs, rows.T, strict=True):
        below = np.mean(column[~np.isnan(column)] <= np.float32(bins_of(declared)[0][0]))
        assert found.shares[declared.name][0] == pytest.approx(below, abs=1e-4)
    assert found.answers.keys() == {"ibu", WIDTH}
