"""The lists of varieties and styles: complete, and nothing stated that is not known."""

from app.domains.beer import styles, varieties
from app.domains.beer.listings import read_styles, read_varieties


def test_every_variety_is_listed_once_in_alphabetical_order() -> None:
    listed = read_varieties()["varieties"]
    names = [variety["name"] for variety in listed]
    assert len(names) == len(set(names)) == len({variety.name for variety in varieties.load().values()})
    assert names == sorted(names, key=str.casefold)
    assert all(each["alpha_low"] <= each["alpha_typical"] <= each["alpha_high"] for each in listed)


def test_a_variety_is_listed_with_what_the_table_says() -> None:
    citra = next(each for each in read_varieties()["varieties"] if each["name"] == "Citra")
    assert citra == {
        "name": "Citra",
        "other_names": ["HBC 394", "X114"],
        "kind": "cone",
        "alpha_low": 10.0,
        "alpha_high": 16.0,
        "alpha_typical": 12.8,
        "source": "Yakima Chief Hops variety sheet",
        "use": "both",
        "substitutes": ["Simcoe", "Cascade", "Green Bullet", "Outeniqua", "Calypso"],
    }


def test_a_use_that_is_not_known_is_missing() -> None:
    by_name = {each["name"]: each for each in read_varieties()["varieties"]}
    assert "use" not in by_name["Nelson Sauvin"] and by_name["Nelson Sauvin"]["substitutes"]
    assert by_name["Magnum"]["use"] == "bittering"


def test_a_style_is_listed_with_the_ranges_that_the_guidelines_give() -> None:
    listed = read_styles()
    by_code = {style["code"]: style for style in listed["styles"]}
    assert (listed["edition"], len(by_code)) == ("2021", len({each.code for each in styles.load().values()}))
    assert by_code["21A"]["name"] == "American IPA" and by_code["21A"]["ibu"] == {"low": 40.0, "high": 70.0}
    without = [style for style in listed["styles"] if "ibu" not in style]
    assert without and all(styles.bitterness_of(style["code"]) is None for style in without)
