"""Public models: calls without a key are allowed if every model that may answer is public."""

import pytest

from app.access.public import PublicModels


def test_no_model_is_public_by_default() -> None:
    assert not PublicModels().allows(None, ["iris"])


@pytest.mark.parametrize("presented", [b"", b"x", "x", ""])
def test_a_call_that_presents_a_key_is_never_public(presented: object) -> None:
    assert not PublicModels(["iris"]).allows(presented, ["iris"])


@pytest.mark.parametrize(
    ("models", "allowed"),
    [
        (["iris"], True),
        (["iris", "beer-ibu"], False),
        (["beer-ibu"], False),
        (["iris "], False),
        (["IRIS"], False),
        ([], False),
    ],
)
def test_all_models_of_a_call_must_be_public(models: list[str], allowed: bool) -> None:
    assert PublicModels(["iris"]).allows(None, models) is allowed
