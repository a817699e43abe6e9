"""Words for a stage: those of recipes mean the same in a request and in training; any other is rejected."""

import pytest
from pydantic import ValidationError

from app.domains.beer.ingredients import Hop
from app.domains.beer.stages import MAX_WORD_LENGTH, WORDS, Stage, stage_of


@pytest.mark.parametrize(
    ("word", "stage"),
    [
        *((stage.value, stage) for stage in Stage),
        *WORDS.items(),
        ("Dry Hop, at Day 8", Stage.DRY_HOP),
        ("flame-out", Stage.WHIRLPOOL),
        (" First_Wort ", Stage.FIRST_WORT),
    ],
)
def test_a_request_may_have_the_words_of_recipes(word: str, stage: Stage) -> None:
    assert Hop.model_validate({"name": "Saaz", "amount_g": 1, "stage": word}).stage is stage


@pytest.mark.parametrize(
    "word", ["", "boil", "60", "start end", "dry hop 3", "day 8", " " * MAX_WORD_LENGTH + "end", "ѕtart"]
)
def test_any_other_word_is_rejected_with_the_stages(word: str) -> None:
    with pytest.raises(ValidationError, match="'mash', 'first_wort'.* or 'dry_hop'"):
        Hop.model_validate({"name": "Saaz", "amount_g": 1, "stage": word})


@pytest.mark.parametrize("value", [1, True, ["end"], {"end": 1}, 2.5])
def test_a_stage_is_a_text(value: object) -> None:
    with pytest.raises(ValidationError, match="'mash', 'first_wort'"):
        Hop.model_validate({"name": "Saaz", "amount_g": 1, "stage": value})


def test_a_word_is_in_lower_case_with_single_spaces() -> None:
    assert all(stage_of(word) is stage for word, stage in WORDS.items())
