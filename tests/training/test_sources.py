"""Reading recipe data: every kind of source gives the same beers, every error names its position."""

import csv
import hashlib
import json

import pytest

from tests.training.quick import RECIPES
from training.beer.recipe import RECIPE, recipe_rows
from training.cleaning import NUMBERS, clean, rules
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


BILL = [
    {"name": "Magnum", "amount_g": 12, "alpha_acid": 12.5, "boil_minutes": 60},
    {"name": "Simcoe", "amount_g": 60.5, "stage": "dry_hop"},
]
BEER = {"id": "1", "ibu": 40, "abv": 5.6, "target_og": 1056, "target_fg": 1013, "batch_volume_l": 25, "yeast": "1056"}
REQUEST = {**BEER, "hops": BILL, "malts": [{"name": "Pale Ale", "amount_kg": 4.4}]}
PUNK = {
    **{name: BEER[name] for name in ("id", "ibu", "abv", "target_og", "target_fg")},
    "volume": {"value": 25, "unit": "litres"},
    "ingredients": {
        "hops": [
            {"name": "Magnum", "amount": {"value": 12, "unit": "grams"}, "add": "60", "attribute": "12.5% alpha"},
            {"name": "Simcoe", "amount": {"value": 60.5, "unit": "grams"}, "add": "dry hop", "attribute": None},
        ],
        "malt": [{"name": "Pale Ale", "amount": {"value": 4.4, "unit": "kilograms"}}],
        "yeast": "1056",
    },
}
GERMAN = """sep=;
id;IBU;abv;target_og;target_fg;batch_volume_l;yeast;malt1_name;malt1_amount_kg;hop1_name;hop1_amount_g;\
hop1_alpha_acid;hop1_boil_minutes;hop2_name;hop2_amount_g;hop2_stage;style
1;40;5,6;1056;1013;25;1056;Pale Ale;4,4;Magnum;12;12,5;60;Simcoe;60,5;dry_hop;IPA
""".replace("\\\n", "")
WITH_CELLS = f"""id,ibu,abv,target_og,target_fg,batch_volume_l,yeast,hops,malts
1,40,5.6,1056,1013,25,1056,"{json.dumps(BILL).replace('"', '""')}",\
"{json.dumps(REQUEST["malts"]).replace('"', '""')}"
""".replace("\\\n", "")


@pytest.mark.parametrize("text", [json.dumps([REQUEST]), json.dumps(REQUEST, indent=2), GERMAN, WITH_CELLS])
def test_the_columns_of_the_service_give_the_same_training_row_as_the_punk_api(tmp_path, text):
    (tmp_path / "own.data").write_text(text, "utf-8")
    rows = [
        clean(recipes, (*rules(), *RECIPE.rules()))
        for recipes in (read_recipes(str(tmp_path / "own.data")).recipes, [PUNK])
    ]
    (own, own_steps), (punk, punk_steps) = rows
    assert recipe_rows(own)[0].tolist() == pytest.approx(recipe_rows(punk)[0].tolist(), nan_ok=True)
    assert own_steps == punk_steps


def test_missing_values_of_a_table_are_missing_and_its_numbers_are_strict(tmp_path):
    path = tmp_path / "recipes.csv"
    path.write_text("id,ibu,abv,target_og,target_fg,ebc\n1,40,5,1050,1010,NA\n2,40,5,1_050,1010,-\n3,40,5,ten,1010,\n")
    frame, steps = clean(read_recipes(str(path)).recipes)
    assert frame["id"].tolist() == ["1"] and frame["ebc"].isna().all()
    assert [(step.rule, step.rows_affected) for step in steps if step.rows_affected] == [
        ("not_a_number", 2),
        ("missing_required", 2),
    ]


@pytest.mark.parametrize(
    "name, content, message",
    [
        ("a.json", b"[{]", "a.json: is not a valid JSON array \\(at line 1 column 3\\)"),
        ("a.json", b"\xff\xfe", "a.json: contains no recipes"),
        ("a.json", b"[" * 100_000, "a.json: is not a valid JSON array"),
        ("a.jsonl", b'{"id": 1}\n{', "a.jsonl: row 2: is not valid JSON"),
        ("a.json", b"[]", "a.json: contains no recipes"),
        ("a.json", b'[{"id": 1}, 7]', "a.json: row 2: must be a JSON object"),
        ("a.csv", b"id,ibu,ibu\n1,2,3\n", "a.csv: ibu is the name of the columns 2 and 3"),
        ("a.csv", b",ibu\n0,40\n", "a.csv: column 1 has values, but no name in the header"),
        ("a.csv", b"ibu,abv\n5,6,5\n40,5\n", "a.csv: row 1: has more cells than there are columns"),
        ("a.csv", b"ibu\n" + b'"1,050"\n' * 9, "row 3: ibu has a thousands separator.*; and 6 more rows"),
        ("a.csv", b"ibu,abv\n40,\xe4\n", "a.csv: is not UTF-8 \\(at line 2\\)"),
        ("a.csv", b"PK\x03\x04 xl/", "a.csv: is an Excel workbook"),
        ("a.xml", b"<RECIPES/>", "a.xml: is BeerXML"),
        ("missing.json", None, "missing.json: cannot be read: No such file"),
    ],
)
def test_a_file_without_recipe_data_is_rejected_by_name(tmp_path, name, content, message):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SourceError, match=message):
        read_recipes(str(path))
