"""Public models: only calls without a key, and only where every model that may answer is public."""

import pytest

from app.access.public import PublicModels


def test_no_model_is_public_by_default() -> None:
    assert not PublicModels().admits(None, ["iris"])


@pytest.mark.parametrize("presented", [b"", b"x", "x", ""])
def test_a_call_that_presents_anything_is_no_ones(presented: object) -> None:
    assert not PublicModels(["iris"]).admits(presented, ["iris"])


@pytest.mark.parametrize(
    ("models", "admitted"),
    [
        (["iris"], True),
        (["iris", "beer-ibu"], False),
        (["beer-ibu"], False),
        (["iris "], False),
        (["IRIS"], False),
        ([], False),
    ],
)
def test_all_models_of_a_call_must_be_public(models: list[str], admitted: bool) -> None:
    assert PublicModels(["iris"]).admits(None, models) is admitted
