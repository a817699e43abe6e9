"""Recipe files among the files of beers: recognized by their contents, one row for each recipe."""

import json

import pytest

from app.batch.recipes import MAX_BYTES, answer_recipe_file, is_recipe_file
from app.domains.beer.api import BeerApi
from app.domains.beer.file_predictions import RecipeFile
from app.errors import TooLate
from tests.known import REPOSITORY

FOLDER = REPOSITORY / "tests" / "data" / "recipe_files"
XML, BEERJSON, PUNK = ((FOLDER / name).read_bytes() for name in ("ale.xml", "ale.json", "punk.json"))
BROKEN = XML.replace(b"</RECIPES>", b"<RECIPE/></RECIPES>")


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        (XML, True),
        (b"\n<RECIPE>", True),
        (b"\xef\xbb\xbf<?xml version='1.0'?><!-- x --><recipes >", True),
        ("<RECIPES></RECIPES>".encode("utf-16"), True),
        (BEERJSON, True),
        (b' {"beerjson" : 1}', True),
        (PUNK, True),
        (b'[{"abv": 5, "name": "ingredients"}, {"abv": 4}]', False),
        (b'{"abv": 5, "beerjson": 1}', False),
        (b"abv,name\n5,<RECIPE>\n", False),
        (b"<html><body>recipe</body></html>", False),
        (b"", False),
    ],
)
def test_a_recipe_file_is_told_by_how_it_begins(contents: bytes, expected: bool) -> None:
    assert is_recipe_file(contents) is expected


@pytest.mark.parametrize("contents", [XML, BEERJSON, PUNK], ids=["BeerXML", "BeerJSON", "Punk API"])
def test_each_recipe_is_a_row_with_what_the_service_answers(domain: BeerApi, contents: bytes) -> None:
    answers = answer_recipe_file(domain, contents, lambda: 1.0)
    served = domain.predict_file(RecipeFile.uploaded(contents, "file"))["recipes"]
    assert answers.rows == len(served) > 0 and not (answers.bad or answers.errors)
    for row, (line, recipe) in enumerate(zip(answers.predictions.splitlines(), served, strict=True), start=1):
        expected = {"row": row, "name": recipe["name"], **recipe["prediction"], "notes": recipe["notes"]}
        assert json.loads(line) == json.loads(json.dumps(expected))


def test_a_recipe_that_cannot_be_read_is_an_error_of_its_row(domain: BeerApi) -> None:
    answers = answer_recipe_file(domain, BROKEN, lambda: 1.0)
    assert answers.bad == 1 and len(answers.predictions.splitlines()) == answers.rows - 1
    (line,) = map(json.loads, answers.errors.splitlines())
    assert line["row"] == answers.rows and line["errors"][0]["field"].startswith("/RECIPES/RECIPE[")


@pytest.mark.parametrize("contents", [b"<RECIPES>", b"<RECIPE/>" + b" " * MAX_BYTES])
def test_a_file_that_cannot_be_read_is_one_error(domain: BeerApi, contents: bytes) -> None:
    answers = answer_recipe_file(domain, contents, lambda: 1.0)
    assert not (answers.rows or answers.predictions)
    assert json.loads(answers.errors)["row"] == 0


def test_a_file_is_given_up_when_the_time_is_up(domain: BeerApi) -> None:
    with pytest.raises(TooLate):
        answer_recipe_file(domain, XML, lambda: 0.0)
