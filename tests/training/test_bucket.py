"""Recipes from a bucket: each beer's newest row counts, whatever the order; the store is a folder behind its client."""

import gzip
import json
from pathlib import Path
from random import Random

import numpy as np
import pytest

from app.platform.transformation import transform
from tests.folder_store import use_folders
from training.beer.bills import bill_rules
from training.beer.recipe import RECIPE
from training.cleaning import clean, rules
from training.errors import SourceError
from training.sources import read_recipes
from training.sources.recipes import recipe

ADDRESS = "s3://bucket/cleaned/"


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the bucket."""
    use_folders(monkeypatch, tmp_path)
    return tmp_path / "bucket"


def put(bucket, key, *rows):
    path = bucket / key
    path.parent.mkdir(parents=True, exist_ok=True)
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(data) if key.endswith(".gz") else data)


def row(number, ibu, second, **more):
    return {"id": str(number), "ibu": ibu, "received": f"2026-11-27T16:00:{second:02}.000Z", **more}


def test_the_newest_row_of_a_beer_counts_in_any_order(bucket):
    rows = [
        row(1, 10, 1),
        row(1, 11, 3),
        row(1, 12, 2),
        row(2, 20, 5),
        row(10, 30, 1),
        {"ibu": 5},
        {"ibu": 5},
        {"ibu": 6},
    ]
    expected = [("1", 11), ("2", 20), ("10", 30)]
    digests = set()
    for seed in range(5):
        Random(seed).shuffle(rows)
        put(bucket, "cleaned/day=2026-11-27/a.gz", *rows[:4])
        put(bucket, "cleaned/day=2026-11-28/b", *rows[4:])
        dataset = read_recipes(ADDRESS)
        assert [(beer["id"], beer["ibu"]) for beer in dataset.recipes if "id" in beer] == expected
        assert {beer["ibu"] for beer in dataset.recipes if "id" not in beer} == {5, 6}
        assert all("received" not in beer for beer in dataset.recipes)
        assert dataset.note == "2 files with 8 rows, 3 of them of beers with a newer row"
        digests.add(dataset.sha256)
    assert len(digests) == 1


def test_rows_of_the_same_time_do_not_depend_on_their_order(bucket):
    found = []
    for rows in ([row(1, 10, 1), row(1, 11, 1)], [row(1, 11, 1), row(1, 10, 1)]):
        put(bucket, "cleaned/a", *rows)
        found.append(read_recipes(ADDRESS).recipes)
    assert found[0] == found[1]


def test_empty_objects_are_passed_over_and_a_broken_one_is_named(bucket):
    put(bucket, "cleaned/a", row(1, 10, 1))
    put(bucket, "cleaned/folder")
    assert len(read_recipes(ADDRESS).recipes) == 1
    (bucket / "cleaned/broken").write_bytes(b"%PDF-")
    with pytest.raises(SourceError, match="s3://bucket/cleaned/broken: is PDF"):
        read_recipes(ADDRESS)


def test_an_empty_bucket_is_an_error(bucket):
    with pytest.raises(SourceError, match="s3://bucket/cleaned: has no files"):
        read_recipes(ADDRESS)


def test_a_cleaned_recipe_gives_the_row_that_training_makes_of_the_recipe(dataset):
    """The way over the platform and back changes no input of the model and no label."""
    all_rules = (*rules(), *bill_rules())
    direct, _ = clean(dataset.recipes, all_rules)
    lines = [transform(json.dumps(beer).encode()).line for beer in dataset.recipes]
    gathered = {beer["name"]: recipe(beer) for beer in map(json.loads, filter(None, lines))}
    over, _ = clean([gathered[name] for name in direct["name"]], all_rules)
    np.testing.assert_array_equal(RECIPE.rows(over), RECIPE.rows(direct))
    np.testing.assert_array_equal(over["ibu"], direct["ibu"])
