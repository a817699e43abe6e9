"""Reading recipe data: every kind of source gives the same beers, every fault names its place."""

import csv
import hashlib
import json

import pytest

from training.cleaning import NUMBERS, clean
from training.errors import SourceError
from training.sources import read_recipes

from .conftest import RECIPES


def test_a_file_is_read_with_its_digest(recipes):
    assert recipes.source == "recipes.json"
    assert recipes.sha256 == hashlib.sha256(RECIPES.read_bytes()).hexdigest()
    assert recipes.beers == tuple(json.loads(RECIPES.read_text("utf-8")))


def test_a_folder_of_one_beer_files_gives_the_same_beers(recipes, tmp_path):
    for place, beer in enumerate(recipes.beers):
        (tmp_path / f"{place:03}.json").write_text(json.dumps(beer))
    found = read_recipes(str(tmp_path))
    assert found.beers == recipes.beers
    assert found.source == tmp_path.name
    assert found.sha256 != recipes.sha256
    for place, beer in enumerate(recipes.beers):  # the digest is of the beers, not of how they are written
        (tmp_path / f"{place:03}.json").write_text(json.dumps(dict(reversed(beer.items())), indent=3))
    assert read_recipes(str(tmp_path)).sha256 == found.sha256


def test_json_lines_give_the_same_beers(recipes, tmp_path):
    path = tmp_path / "recipes.jsonl"
    path.write_text("".join(json.dumps(beer) + "\n\n" for beer in recipes.beers))
    assert read_recipes(str(path)).beers == recipes.beers


def test_csv_with_the_same_column_names_gives_the_same_rows(recipes, tmp_path):
    path = tmp_path / "recipes.csv"
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, ["id", "name", *NUMBERS], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(recipes.beers)
    given, steps = clean(read_recipes(str(path)).beers)
    expected, expected_steps = clean(recipes.beers)
    assert given[list(NUMBERS)].equals(expected[list(NUMBERS)])
    assert steps == expected_steps


def test_one_object_is_one_beer(recipes, tmp_path):
    path = tmp_path / "one.json"
    path.write_text(json.dumps(recipes.beers[0]))
    assert read_recipes(str(path)).beers == recipes.beers[:1]


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("a.json", b"[{]", "a.json: not json"),
        ("a.json", b"\xff\xfe", "a.json: not json"),
        ("a.json", b"[" * 100_000, "a.json: not json"),
        ("a.jsonl", b'{"id": 1}\n{', "a.jsonl: not jsonl"),
        ("a.json", b"[]", "a.json: no beers here"),
        ("a.json", b'[{"id": 1}, 7]', "a.json: row 2 is not a beer but int"),
        ("missing.json", None, "missing.json: cannot be read: No such file"),
    ],
)
def test_what_is_no_recipe_data_is_refused_by_name(tmp_path, name, content, message):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SourceError, match=message):
        read_recipes(str(path))
