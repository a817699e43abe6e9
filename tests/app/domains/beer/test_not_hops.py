"""What recipes list among the hops and is none."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domains.beer.not_hops import is_no_hop
from app.domains.beer.varieties import load

NOT_HOPS = Path(__file__).with_name("not_hops.txt").read_text("utf-8").splitlines()
VARIETIES = sorted({name for variety in load().values() for name in (variety.name, *variety.other_names)})


@pytest.mark.parametrize("name", NOT_HOPS)
def test_ingredients_of_the_real_recipes_that_are_not_hops_are_known(name: str) -> None:
    assert is_no_hop(name, None) and is_no_hop(name.upper(), None)


@given(name=st.sampled_from(NOT_HOPS), alpha_acid=st.floats(0, 70))
def test_an_entry_with_its_alpha_acid_is_a_hop(name: str, alpha_acid: float) -> None:
    assert not is_no_hop(name, alpha_acid)


def test_no_variety_of_the_table_is_left_out() -> None:
    assert [name for name in VARIETIES if is_no_hop(name, None)] == []


@pytest.mark.parametrize("name", ["Moonshine", "Experimental 07270", "Hop Extract", "CO2 hop extract", ""])
def test_an_unknown_name_may_be_a_hop(name: str) -> None:
    assert not is_no_hop(name, None)
