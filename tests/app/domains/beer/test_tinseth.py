"""Tinseth's estimate, against his own published table."""

import pytest

from app.domains.beer.tinseth import bigness, boil_factor

# Utilisation by minutes (rows) and gravity (columns) from the table on Tinseth's page, rounded there to 0.001.
PUBLISHED = {
    (1030, 10): 0.100, (1030, 30): 0.212, (1030, 60): 0.276,
    (1050, 10): 0.084, (1050, 30): 0.177, (1050, 60): 0.231,
    (1080, 10): 0.064, (1080, 30): 0.135, (1080, 60): 0.176,
    (1120, 10): 0.045, (1120, 30): 0.094, (1120, 60): 0.123,
}  # fmt: skip


@pytest.mark.parametrize(("points", "minutes"), PUBLISHED)
def test_utilisation_is_the_published_one(points: int, minutes: int) -> None:
    assert bigness(points) * boil_factor(minutes) == pytest.approx(PUBLISHED[points, minutes], abs=0.001)


def test_nothing_is_isomerised_without_a_boil() -> None:
    assert boil_factor(0) == 0
