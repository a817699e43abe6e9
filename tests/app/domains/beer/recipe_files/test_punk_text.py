"""Every text for the time of an addition has one meaning; an unknown text is reported as unknown."""

import json
from collections import Counter

import pytest

from app.domains.beer.recipe_files.punk_text import alpha_of, time_of
from app.domains.beer.stages import WORDS, Stage
from tests.known import REPOSITORY

SHARED = REPOSITORY.parent / "shared" / "data" / "punk_beers.json"


@pytest.mark.parametrize(
    "text, time",
    [
        ("start", Stage.START),
        ("Start", Stage.START),
        ("middle", Stage.MIDDLE),
        ("End", Stage.END),
        ("Mash", Stage.MASH),
        ("FWH", Stage.FIRST_WORT),
        ("First Wort Hops", Stage.FIRST_WORT),
        ("Kettle", Stage.END),
        ("Additions", Stage.END),
        ("Flame Out", Stage.WHIRLPOOL),
        ("flame-out", Stage.WHIRLPOOL),
        ("WHP", Stage.WHIRLPOOL),
        ("Dry Hop, at Day 8", Stage.DRY_HOP),
        ("dry  hop", Stage.DRY_HOP),
        ("fv", Stage.DRY_HOP),
        ("FV Addition", Stage.DRY_HOP),
        ("Wood Ageing", Stage.DRY_HOP),
        ("0", 0.0),
        (" 70 ", 70.0),
        (15, 15.0),
        ("7.5", 7.5),
        ("60 min", 60.0),
        ("10minutes", 10.0),
        ("when the geese fly", None),
        ("", None),
        (None, None),
        ("-5", None),
        ("1e9", None),
        ("9999", None),
        ("301", None),
    ],
)
def test_time_of(text, time):
    assert time_of(text) == time


@pytest.mark.parametrize(
    "text, alpha",
    [("14% Alpha", 14.0), ("5.5 % alpha acids", 5.5), ("4%AA", 4.0), ("bitter", None), (None, None), ("Alpha", None)],
)
def test_alpha_of(text, alpha):
    assert alpha_of(text) == alpha


def test_the_texts_of_the_table_are_normalized():
    assert all(time_of(text) is stage for text, stage in WORDS.items())


@pytest.mark.skipif(not SHARED.exists(), reason="../shared/data is not here")
def test_the_table_contains_every_text_of_the_real_data():
    texts = Counter(hop["add"] for beer in json.loads(SHARED.read_text("utf-8")) for hop in beer["ingredients"]["hops"])
    assert [text for text in texts if time_of(text) is None] == []
    assert sum(texts.values()) == 1530
