"""BeerXML becomes beers; what programs write otherwise is understood, and what is missing is computed and noted."""

from typing import Any

import pytest

from app.domains.beer.api import BeerApi
from app.domains.beer.recipe_files.files import read_recipes
from app.domains.beer.recipe_files.reading import ReadRecipe, RecipeFileError
from app.domains.beer.schema import Beer
from tests.known import REPOSITORY

SAMPLES = REPOSITORY.parent / "shared" / "data" / "brewing" / "beerjson" / "samples"
MALT = "<NAME>Pale</NAME><TYPE>Grain</TYPE><AMOUNT>5</AMOUNT><YIELD>80</YIELD><COLOR>3</COLOR>"
YEAST = (
    "<NAME>American Ale</NAME><LABORATORY>Wyeast Labs</LABORATORY><PRODUCT_ID>1056</PRODUCT_ID>"
    "<ATTENUATION>80</ATTENUATION>"
)


def _hop(use: str = "Boil", time: str = "60", alpha: str = "12", **more: str) -> str:
    fields = {"NAME": "Magnum", "AMOUNT": "0.02", "ALPHA": alpha, "USE": use, "TIME": time} | more
    return "".join(f"<{tag}>{text}</{tag}>" for tag, text in fields.items() if text)


def _recipe(*hops: str, malts: tuple[str, ...] = (MALT,), yeasts: tuple[str, ...] = (YEAST,), **fields: str) -> str:
    stated = {"NAME": "Ale", "BATCH_SIZE": "20", "BOIL_TIME": "60", "EFFICIENCY": "75", "OG": "1.05", "FG": "1.01",
              "EST_COLOR": "8.5 SRM"} | fields  # fmt: skip
    lists = {"HOP": hops, "FERMENTABLE": malts, "YEAST": yeasts}
    inner = "".join(f"<{tag}>{text}</{tag}>" for tag, text in stated.items() if text)
    for tag, items in lists.items():
        inner += f"<{tag}S>" + "".join(f"<{tag}>{item}</{tag}>" for item in items) + f"</{tag}S>"
    return f"<RECIPE>{inner}</RECIPE>"


def _read(*recipes: str, head: str = "") -> list[ReadRecipe]:
    return read_recipes(f"{head}<RECIPES>{''.join(recipes)}</RECIPES>".encode())


def _notes(read: ReadRecipe) -> dict[str, str]:
    return {note.path.removeprefix("/RECIPES/RECIPE[1]"): note.code for note in read.notes}


def _beer(read: ReadRecipe) -> dict[str, Any]:
    assert read.error is None and read.beer is not None
    Beer.model_validate(read.beer)
    return read.beer


def test_what_is_stated_is_taken_without_a_note() -> None:
    (read,) = _read(_recipe(_hop(), BOIL_SIZE="25", ABV="5.3 %", STYLE="<NAME>American IPA</NAME>"))
    assert (read.name, read.notes) == ("Ale", ())
    assert _beer(read) == {
        **{
            "target_og": 1050.0,
            "target_fg": 1010.0,
            "abv": 5.3,
            "srm": 8.5,
            "batch_volume_l": 20.0,
            "boil_volume_l": 25.0,
        },
        "hops": [{"name": "Magnum", "amount_g": 20.0, "alpha_acid": 12.0, "boil_minutes": 60.0}],
        "malts": [{"name": "Pale", "amount_kg": 5.0}],
        **{"yeast": "Wyeast 1056 American Ale", "style": "American IPA"},
    }


@pytest.mark.parametrize(
    ("hop", "when", "code"),
    [
        (_hop("Boil", "0"), {"boil_minutes": 0.0}, None),
        (_hop("First Wort"), {"stage": "first_wort"}, None),
        (_hop("Mash"), {"stage": "mash"}, None),
        (_hop("Dry Hop", "10080"), {"stage": "dry_hop"}, None),
        (_hop("Boil", "10080"), {"stage": "dry_hop"}, "days_no_boil"),
        (_hop("Boil", FORM="Pellet"), {"boil_minutes": 60.0, "form": "pellet"}, None),
        (_hop("Boil", FORM="Leaf"), {"boil_minutes": 60.0, "form": "cone"}, None),
        (_hop("Aroma", "0"), {"stage": "whirlpool"}, "whirlpool"),
        (
            _hop("Aroma", "20", TEMP="80"),
            {"stage": "whirlpool", "stand_minutes": 20.0, "temperature_c": 80.0},
            "whirlpool",
        ),
        (_hop("Boil", "10", USER_HOP_USE="Hop Stand"), {"stage": "whirlpool", "stand_minutes": 10.0}, "whirlpool"),
        (_hop("Boil", ""), {"boil_minutes": 60.0}, "time_assumed"),
        (_hop("Under the moon"), {"boil_minutes": 60.0}, "use_assumed"),
        (_hop("Boil", "7,5"), {"boil_minutes": 7.5}, "decimal_comma"),
    ],
)
def test_the_time_of_an_addition_is_understood(hop: str, when: dict[str, Any], code: str | None) -> None:
    (read,) = _read(_recipe(hop))
    (addition,) = _beer(read)["hops"]
    assert addition == {"name": "Magnum", "amount_g": 20.0, "alpha_acid": 12.0} | when
    assert [note.code for note in read.notes] == ([code] if code else [])
    assert all(note.path.startswith("/RECIPES/RECIPE[1]/HOPS/HOP[1]/") for note in read.notes)


def test_what_is_missing_follows_from_malts_and_yeast() -> None:
    """5 kg of 80 % in 20 l at 75 %: 46 x 8.345 x 5 x 0.8 x 0.75 / 20 = 57.6 points; of those 80 % ferment."""
    (read,) = _read(_recipe(_hop(alpha=""), OG="", FG="", EST_COLOR=""))
    beer = _beer(read)
    assert (beer["target_og"], beer["target_fg"]) == (1057.6, 1011.5)
    assert beer["srm"] == pytest.approx(1.4922 * (5 * 2.20462 * 3 / 5.28344) ** 0.6859, abs=0.05)
    assert _notes(read) == {
        "/OG": "og_from_grain",
        "/FG": "fg_from_attenuation",
        "/EST_COLOR": "colour_by_morey",
        "/HOPS/HOP[1]/ALPHA": "alpha_typical",
    }


def test_sugar_dissolves_whole_and_assumptions_are_noted() -> None:
    malts = (
        "<NAME>Pale</NAME><AMOUNT>4</AMOUNT>",
        "<NAME>Sugar</NAME><TYPE>Sugar</TYPE><AMOUNT>1</AMOUNT><YIELD>100</YIELD>",
    )
    (read,) = _read(_recipe(malts=malts, yeasts=(), OG="0", FG="", EFFICIENCY=""))
    assert _beer(read)["target_og"] == pytest.approx(1000 + 383.9 * (4 * 0.78 * 0.74 + 1) / 20, abs=0.1)
    assert _beer(read)["target_fg"] == pytest.approx(1000 + (_beer(read)["target_og"] - 1000) / 4, abs=0.1)
    assert "yeast" not in _beer(read) and _beer(read)["hops"] == []
    assert _notes(read) == {
        "/FERMENTABLES/FERMENTABLE[1]": "yield_assumed",
        "/EFFICIENCY": "efficiency_assumed",
        "/OG": "og_from_grain",
        "/FG": "fg_from_attenuation",
        "/HOPS": "no_hops",
    }


@pytest.mark.parametrize(
    ("share", "efficiency", "codes"),
    [("80", "75", set()), ("0.80", "0.75", {"fraction"}), ("36.8", "75", {"yield_as_ppg"})],
)
def test_shares_are_read_in_each_way_that_programs_write_them(share: str, efficiency: str, codes: set[str]) -> None:
    malt = MALT.replace("<YIELD>80", f"<YIELD>{share}")
    (read,) = _read(_recipe(_hop(), malts=(malt,), OG="", EFFICIENCY=efficiency))
    assert _beer(read)["target_og"] == 1057.6
    assert {note.code for note in read.notes} == {"og_from_grain", *codes}


@pytest.mark.parametrize(
    ("fields", "gravities", "notes"),
    [
        ({"OG": "12", "FG": "1"}, (1048.4, 1003.9), {"/OG": "plato", "/FG": "plato"}),
        ({"OG": "1050", "FG": "1010"}, (1050, 1010), {"/OG": "points", "/FG": "points"}),
        ({"OG": "", "EST_OG": "1.049 sg"}, (1049, 1010), {"/EST_OG": "estimate_taken"}),
        ({"OG": "", "FG": "", "EST_OG": "11,6 Plato", "EST_FG": "3.3 Plato"}, (1046.7, 1012.9), None),
    ],
)
def test_gravities_are_read_in_every_unit(fields: Any, gravities: tuple[float, float], notes: Any) -> None:
    (read,) = _read(_recipe(_hop(), **fields))
    assert (_beer(read)["target_og"], _beer(read)["target_fg"]) == pytest.approx(gravities, abs=0.06)
    assert notes is None or _notes(read) == notes


@pytest.mark.parametrize(
    ("recipe", "path", "code"),
    [
        (_recipe(_hop(), BATCH_SIZE=""), "/BATCH_SIZE", "missing"),
        (_recipe(_hop(), BATCH_SIZE="0"), "/BATCH_SIZE", "greater_than"),
        (_recipe(_hop(), OG="", malts=()), "/OG", "missing"),
        (_recipe(_hop(), OG="1.01", FG="1.05"), "/FG", "gravities_swapped"),
        (_recipe(_hop(), "<NAME>Citra</NAME>"), "/HOPS/HOP[2]/AMOUNT", "missing"),
        (_recipe(_hop(AMOUNT="-1")), "/HOPS/HOP[1]/AMOUNT", "greater_than_equal"),
        (_recipe(_hop(time="301")), "/HOPS/HOP[1]/TIME", "less_than_equal"),
        (_recipe(*[_hop()] * 51), "/HOPS", "too_many"),
    ],
)
def test_a_recipe_of_which_no_beer_can_be_made_names_the_element_and_hides_no_other(
    recipe: str, path: str, code: str
) -> None:
    bad, good = _read(recipe, _recipe(_hop()))
    assert bad.error and (bad.error.path, bad.error.code) == (f"/RECIPES/RECIPE[1]{path}", code)
    assert bad.beer is None and _beer(good)


def test_an_alpha_acid_of_zero_is_none_where_the_variety_has_some() -> None:
    (read,) = _read(_recipe(_hop(alpha="0"), _hop(alpha="0", NAME="Oil of somewhere"), _hop(alpha="99")))
    assert [hop.get("alpha_acid") for hop in _beer(read)["hops"]] == [None, 0.0, None]
    assert [(note.path[-11:], note.code) for note in read.notes] == [
        ("OP[1]/ALPHA", "alpha_zero"),
        ("OP[3]/ALPHA", "left_out"),
        ("OP[1]/ALPHA", "alpha_typical"),
        ("OP[3]/ALPHA", "alpha_typical"),
    ]


def test_what_has_no_name_is_noted() -> None:
    (read,) = _read(_recipe(_hop(NAME=""), malts=("<AMOUNT>5</AMOUNT>",)))
    assert (_beer(read)["hops"][0]["name"], _beer(read)["malts"][0]["name"]) == ("hops", "malt")
    assert _notes(read) == {"/HOPS/HOP[1]": "name_missing", "/FERMENTABLES/FERMENTABLE[1]": "name_missing"}


def test_an_error_names_the_recipe_as_a_person_reads_it() -> None:
    (read,) = _read(_recipe(_hop(), NAME="K&amp;ouml;lsch", BATCH_SIZE=""))
    assert read.error and read.name == "Kölsch"


def test_html_entities_in_names_are_read() -> None:
    (read,) = _read(_recipe(_hop(NAME="Styrian &amp;quot;Bobek&amp;quot;"), NAME="K&ouml;lsch &amp;amp; M&#252;nchner"))
    assert (read.name, _beer(read)["hops"][0]["name"]) == ("Kölsch & Münchner", 'Styrian "Bobek"')


@pytest.mark.parametrize("encoding", ["UTF-8", "ISO-8859-1", "windows-1252", "UTF-16"])
def test_a_file_is_read_in_the_encoding_that_it_declares(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?>\n<RECIPES>{_recipe(_hop(), NAME="Kölsch")}</RECIPES>'
    (read,) = read_recipes(text.encode(encoding))
    assert read.name == "Kölsch"


def test_a_multibyte_encoding_is_read() -> None:
    text = f'<?xml version="1.0" encoding="Shift_JIS"?><RECIPES>{_recipe(_hop(), NAME="麦酒")}</RECIPES>'
    assert read_recipes(text.encode("shift_jis"))[0].name == "麦酒"


def test_a_root_may_be_one_recipe_and_tags_in_small_letters() -> None:
    assert read_recipes(_recipe(_hop()).encode())[0].beer
    read = read_recipes(_recipe(_hop()).replace("RECIPE>", "recipe>").replace("OG>", "og>").encode())[0]
    assert read.beer and read.beer["target_og"] == 1050


@pytest.mark.parametrize(
    ("contents", "code"),
    [
        ("<RECIPES/>", "no_recipes"),
        ("<html><body/></html>", "no_recipes"),
        (f"<RECIPES>{'<RECIPE/>' * 101}</RECIPES>", "too_many_recipes"),
        ("<Recipes><Data><Recipe><F_R_NAME>Ale</F_R_NAME></Recipe></Data></Recipes>", "beersmith_format"),
    ],
)
def test_a_file_without_recipes_is_an_error(contents: str, code: str) -> None:
    with pytest.raises(RecipeFileError) as raised:
        read_recipes(contents.encode())
    assert raised.value.code == code


@pytest.mark.skipif(not SAMPLES.exists(), reason="../shared/data is not here")
def test_the_same_recipe_is_the_same_beer_in_both_formats(domain: BeerApi) -> None:
    """BeerJSON's sample lacks gravities and colour, which follow from the malts as its program computed them."""
    beers = [_beer(read_recipes((SAMPLES / f"Londonpride.{ending}").read_bytes())[0]) for ending in ("xml", "json")]
    assert beers[0]["hops"] == beers[1]["hops"] and beers[0]["malts"] == beers[1]["malts"]
    assert [beer["target_og"] for beer in beers] == pytest.approx([1049, 1049.2])
    assert [beer["srm"] for beer in beers] == pytest.approx([9.21, 9.2])
    estimates = [domain.predict(Beer.model_validate(beer))["estimates"]["tinseth"] for beer in beers]
    assert estimates == pytest.approx([35.22 / 1.1] * 2, abs=0.1)  # the file's program seems to add 10 % for pellets
