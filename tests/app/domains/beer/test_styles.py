"""Styles: one style by its code and by every way to write its name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domains.beer.styles import Range, find, load
from app.domains.beer.units import MAX_SG

STYLES = list(dict.fromkeys(load().values()))


def test_every_code_and_name_of_the_table_means_its_style() -> None:
    wrong = {n for s in STYLES for n in (s.code, s.name, *s.other_names, f"{s.code}. {s.name}") if find(n) is not s}
    assert wrong == set()
    assert len(STYLES) == 110 and all(style.source for style in STYLES)


def test_ranges_are_in_the_units_that_the_table_states() -> None:
    for style in STYLES:
        ranges = [style.ibu, style.og, style.fg, style.abv, style.srm]
        assert all(ranges) or not any(ranges)
        for low, high in filter(None, ranges):
            assert 0 <= low < high
        if style.og and style.fg:
            assert style.fg.high < style.og.high < 1.2 < MAX_SG and 0.99 < style.fg.low < style.og.low
    assert sum(style.ibu is None for style in STYLES) == 17  # fruit, spice, smoke and the like
    ipa = load()["21a"]
    assert (ipa.ibu, ipa.og, ipa.fg) == (Range(40, 70), Range(1.056, 1.07), Range(1.008, 1.014))
    assert (ipa.abv, ipa.srm) == (Range(5.5, 7.5), Range(6, 14))


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("21A", "21A"),
        ("21 a", "21A"),
        ("BJCP 2021: 21A", "21A"),
        ("AMERICAN-I.P.A.", "21A"),
        ("American IPA (BJCP 2015)", "21A"),
        ("14B American IPA", "21A"),  # its code in 2008
        ("14B", "14B"),
        ("01A", "1A"),
        ("x2", "X2"),
        ("Kolsch", "5B"),
        ("Koelsch", "5B"),
        ("biere de garde", "24C"),
        ("Berliner Weiße", "23A"),
        ("NEIPA", "21C"),
        ("Hefeweizen", "10A"),
        ("21B. Specialty IPA: Black IPA", "21B"),
    ],
)
def test_a_style_is_found_as_people_write_it(written: str, code: str) -> None:
    style = find(written)
    assert style is not None and style.code == code


@pytest.mark.parametrize(
    "name", ["14B (2008)", "21Z", "99A", "21", "IPA", "2021", "21A something", "beer", "?", "A" * 81]
)
def test_what_means_no_style_is_unknown(name: str) -> None:
    assert find(name) is None


@given(st.text(max_size=80))
def test_any_text_is_a_style_or_unknown(name: str) -> None:
    found = find(name)
    assert found is None or found in STYLES
