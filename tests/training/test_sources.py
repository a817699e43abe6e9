"""Reading recipe data: every kind of source gives the same beers, every error names its position."""

import csv
import hashlib
import json

import pytest

from tests.training.quick import RECIPES
from training.cleaning import NUMBERS, clean
from training.errors import SourceError
from training.sources import read_recipes


def test_a_file_is_read_with_its_digest(dataset):
    assert dataset.source == "recipes.json"
    assert dataset.sha256 == hashlib.sha256(RECIPES.read_bytes()).hexdigest()
    assert dataset.recipes == tuple(json.loads(RECIPES.read_text("utf-8")))


def test_a_folder_of_one_beer_files_gives_the_same_beers(dataset, tmp_path):
    for index, beer in enumerate(dataset.recipes):
        (tmp_path / f"{index:03}.json").write_text(json.dumps(beer))
    result = read_recipes(str(tmp_path))
    assert result.recipes == dataset.recipes
    assert result.source == tmp_path.name
    assert result.sha256 != dataset.sha256
    for index, beer in enumerate(dataset.recipes):  # the digest is of the beers, not of how they are written
        (tmp_path / f"{index:03}.json").write_text(json.dumps(dict(reversed(beer.items())), indent=3))
    assert read_recipes(str(tmp_path)).sha256 == result.sha256


def test_json_lines_give_the_same_beers(dataset, tmp_path):
    path = tmp_path / "recipes.jsonl"
    path.write_text("".join(json.dumps(beer) + "\n\n" for beer in dataset.recipes))
    assert read_recipes(str(path)).recipes == dataset.recipes


def test_csv_with_the_same_column_names_gives_the_same_rows(dataset, tmp_path):
    path = tmp_path / "recipes.csv"
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, ["id", "name", *NUMBERS], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(dataset.recipes)
    cleaned, steps = clean(read_recipes(str(path)).recipes)
    expected, expected_steps = clean(dataset.recipes)
    assert cleaned[list(NUMBERS)].equals(expected[list(NUMBERS)])
    assert steps == expected_steps


def test_one_object_is_one_beer(dataset, tmp_path):
    path = tmp_path / "one.json"
    path.write_text(json.dumps(dataset.recipes[0]))
    assert read_recipes(str(path)).recipes == dataset.recipes[:1]


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("a.json", b"[{]", "a.json: not json"),
        ("a.json", b"\xff\xfe", "a.json: not json"),
        ("a.json", b"[" * 100_000, "a.json: not json"),
        ("a.jsonl", b'{"id": 1}\n{', "a.jsonl: not jsonl"),
        ("a.json", b"[]", "a.json: contains no recipes"),
        ("a.json", b'[{"id": 1}, 7]', "a.json: row 2 is not a recipe but int"),
        ("missing.json", None, "missing.json: cannot be read: No such file"),
    ],
)
def test_a_file_without_recipe_data_is_rejected_by_name(tmp_path, name, content, message):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SourceError, match=message):
        read_recipes(str(path))
