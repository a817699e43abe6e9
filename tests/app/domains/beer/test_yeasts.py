"""Yeasts: one strain by any of its names, and a kind for every strain that brewing software lists."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domains.beer.yeasts import Kind, kinds, load

STRAINS = sorted(set(load().values()), key=lambda strain: strain.name)
CHICO = ["Wyeast 1056", "WLP001", "US-05", "California Ale", "Chico", "Imperial A07 Flagship", "OYL-004"]


def test_every_name_of_the_table_has_the_kind_of_its_strain() -> None:
    wrong = {(name, s.kind) for s in STRAINS for name in (s.name, *s.other_names) if kinds(name) != {s.kind}}
    assert wrong == set()
    assert len(STRAINS) >= 150 and {strain.kind for strain in STRAINS} == set(Kind)
    assert all(strain.source for strain in STRAINS)


@pytest.mark.parametrize("name", CHICO)
def test_the_same_strain_counts_the_same_by_every_maker(name: str) -> None:
    assert kinds(name) == {Kind.AMERICAN_ALE}


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("1056", Kind.AMERICAN_ALE),
        ("Wyeast 1056 - American Ale™", Kind.AMERICAN_ALE),
        ("American Ale II (Wyeast Labs #1272)", Kind.AMERICAN_ALE),
        ("White Labs 001", Kind.AMERICAN_ALE),
        ("wlp 1", Kind.AMERICAN_ALE),
        ("Safale American  (DCL/Fermentis #US-05)", Kind.AMERICAN_ALE),
        ("Fermentis - Safale - American Ale Yeast US-05", Kind.AMERICAN_ALE),
        ("us05", Kind.AMERICAN_ALE),
        ("Safale S-04", Kind.ENGLISH_ALE),
        ("Lallemand - LalBrew Nottingham", Kind.ENGLISH_ALE),
        ("SafLager W-34/70", Kind.LAGER),
        ("W34/70", Kind.LAGER),
        ("WLP815 Belgian Lager", Kind.LAGER),
        ("Kölsch Yeast", Kind.GERMAN_ALE),
        ("Danstar Belle Saison", Kind.BELGIAN),
        ("Be-134", Kind.BELGIAN),
        ("Hefeweizen Ale (White Labs #WLP300)", Kind.WHEAT),
        ("House Brett Blend", Kind.WILD),
        ("a Belgian farmhouse yeast", Kind.BELGIAN),
    ],
)
def test_yeasts_are_known_as_software_writes_them(written: str, kind: Kind) -> None:
    assert kinds(written) == {kind}


def test_a_mixture_has_the_kinds_of_its_yeasts() -> None:
    assert kinds("US-05 + Brett Trois") == {Kind.AMERICAN_ALE, Kind.WILD}


def test_a_code_decides_over_the_words_beside_it() -> None:
    assert kinds("WLP001 in a Belgian wheat beer") == {Kind.AMERICAN_ALE}


@pytest.mark.parametrize("name", ["", "Yeast", "Moon Strain", "Ale yeast 99999", "9" * 81, "\ufdfa" * 80, "™"])
def test_a_name_that_tells_no_kind_is_unknown(name: str) -> None:
    assert kinds(name) == set()


@settings(derandomize=True)
@given(st.text(st.characters(exclude_categories=())))
def test_any_text_is_accepted(text: str) -> None:
    assert kinds(text) <= set(Kind)
