"""Mutants of recipe files are answered, or rejected by an error that is meant; none is an error of the program."""

import random
import re
from collections.abc import Iterator

import pytest

from app.domains.beer.api import BeerApi
from app.domains.beer.file_predictions import RecipeFile, answer_file
from app.domains.beer.recipe_files.files import as_beerjson
from app.domains.beer.recipe_files.reading import RecipeFileError
from tests.known import REPOSITORY

FILES = sorted((REPOSITORY / "tests" / "data" / "recipe_files").iterdir())
SAMPLES = REPOSITORY.parent / "shared" / "data" / "brewing" / "beerjson" / "samples"
NUMBER = re.compile(rb"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.])")
NUMBERS = (
    b"0",
    b"-1",
    b"1e308",
    b"-1e-320",
    b"9" * 400,
    b"1,5",
    b"12",
    b"1050",
    b"300.5",
    b"nan",
    b"null",
    b'""',
    b"[]",
)
WORD = re.compile(rb"[A-Za-z_]{2,}")
WORDS = (b"", b"Aroma", b"Dry Hop", b"boil", b"gal", b"plato", b"EBC", b"day", b"&amp;", b"&ouml;", b"\xff", b"\\ud800")
TOKENS = (
    b"<HOP>",
    b"</HOP>",
    b"<!--",
    b"]]>",
    b"<!DOCTYPE a>",
    b"{",
    b"}",
    b"[",
    b"],",
    b'"',
    b"\x00",
    b"\xef\xbb\xbf",
)


def _mutant(contents: bytes, draw: random.Random) -> bytes:
    for _ in range(draw.choice((1, 1, 2, 5))):
        start = draw.randrange(len(contents) + 1)
        kind = draw.choice((0, 0, 0, 1, 1, 1, 2, 3, 4, 5, 6))
        if kind < 3:  # what a field states
            pattern, choices = ((NUMBER, NUMBERS), (WORD, WORDS), (NUMBER, WORDS))[kind]
            if found := pattern.search(contents, start):
                contents = contents[: found.start()] + draw.choice(choices) + contents[found.end() :]
        elif kind == 3:  # a piece is missing
            contents = contents[:start] + contents[start + draw.choice((1, 10, 300)) :]
        elif kind == 4:  # a piece is there twice
            length = draw.choice((1, 30, 500))
            contents = contents[: start + length] + contents[start : start + length] * draw.choice((1, 60))
        elif kind == 5:
            contents = contents[:start] + draw.choice(TOKENS) + contents[start:]
        else:
            contents = contents[:start] + bytes([draw.randrange(256)]) + contents[start + 1 :]
    return contents


def _mutants(count: int, seed: int) -> Iterator[bytes]:
    draw = random.Random(seed)
    files = [path.read_bytes() for path in [*FILES, *(SAMPLES.iterdir() if SAMPLES.exists() else ())]]
    return (_mutant(draw.choice(files), draw) for _ in range(count))


def _answered(domain: BeerApi, contents: bytes) -> bool:
    """Answer a file; return whether a recipe of it has a prediction."""
    try:
        answers = answer_file(domain, RecipeFile.uploaded(contents, "file"))["recipes"]
    except RecipeFileError:
        return False
    for answer in answers:
        assert ("prediction" in answer) != ("errors" in answer)
        assert not answer.get("errors") or answer["errors"][0]["reason"]
        assert "prediction" not in answer or 0 <= answer["prediction"]["ibu"] < 10_000
    try:
        as_beerjson(contents, [answer.get("prediction") for answer in answers])
    except RecipeFileError as error:
        assert error.code == "not_as_beerjson"
    return any("prediction" in answer for answer in answers)


def test_mutants_are_answered_or_rejected(domain: BeerApi) -> None:
    answered = [_answered(domain, contents) for contents in _mutants(400, seed=16)]
    assert 100 < sum(answered) < 390


@pytest.mark.nightly
def test_ten_thousand_mutants_are_answered_or_rejected(domain: BeerApi) -> None:
    assert sum(_answered(domain, contents) for contents in _mutants(10_000, seed=17)) > 2_000
