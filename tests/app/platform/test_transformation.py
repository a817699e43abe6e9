"""A record of the stream becomes a clean line, is dropped by a rule of training, or fails with a reason."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domains.beer.cleaning import beer_rules
from app.platform import transformation
from app.platform.transformation import Outcome, text_of, transform
from tests.known import REPOSITORY

RECIPES = json.loads((REPOSITORY / "tests/data/recipes.json").read_text("utf-8"))
BEER = {"id": 7, "name": "Seven", "ibu": 40, "abv": 5.6, "target_og": 1056, "target_fg": 1013}
NOW = "2026-11-27T16:00:00.123Z"


def data(**changes: Any) -> bytes:
    return json.dumps({**BEER, **changes}).encode()


def cleaned(**changes: Any) -> dict[str, Any]:
    outcome = transform(data(**changes), NOW)
    assert outcome.kind == "clean" and outcome.line.endswith(b"\n") and outcome.line.count(b"\n") == 1
    line: dict[str, Any] = json.loads(outcome.line)
    return line


def test_a_clean_beer_is_a_row_of_a_file_of_beers_with_its_time() -> None:
    assert cleaned() == {**BEER, "id": "7", "received": NOW}


def test_a_recipe_keeps_its_bill_and_its_mended_figures() -> None:
    (beer,) = [beer for beer in RECIPES if beer["name"] == "Upside Down"]
    line = json.loads(transform(json.dumps(beer).encode()).line)
    assert (line["target_og"], line["target_fg"]) == (beer["target_fg"], beer["target_og"])
    hops = [hop["name"] for hop in beer["ingredients"]["hops"]]
    assert [hop["name"] for hop in line["hops"]] == hops and {"malts", "yeast", "batch_volume_l"} <= line.keys()


def test_a_request_is_a_record_too() -> None:
    hops = [{"name": "Magnum", "amount_g": 30.0, "boil_minutes": 60.0}]
    line = cleaned(hops=hops, batch_volume_l=30.0, style="21A", unknown=1)
    assert (line["hops"], line["batch_volume_l"], line["style"], "unknown" in line) == (hops, 30.0, "21A", False)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"ibu": None}, "no_label"),
        ({"ibu": 1056}, "ibu_copied_from_og"),
        ({"ibu": 151}, "ibu_above_150"),
        ({"ibu": 2.9}, "ibu_below_3"),
        ({"target_og": "n/a"}, "missing_required"),
        ({"target_og": 1400}, "og_out_of_range"),
        ({"abv": 71}, "abv_out_of_range"),
    ],
)
def test_what_training_drops_is_dropped_by_the_name_of_the_rule(changes: dict[str, Any], rule: str) -> None:
    assert rule in {each.name for each in beer_rules()}
    outcome = transform(data(**changes))
    assert (outcome.kind, outcome.reason, outcome.line) == ("dropped", rule, b"")


def test_a_beer_without_a_label_is_kept_where_labels_are_optional() -> None:
    outcome = transform(data(ibu=0), label_required=False)
    assert outcome.kind == "clean" and "ibu" not in json.loads(outcome.line)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (b"", "not_json"),
        (b"\xff", "not_json"),
        (b'{"id": 1', "not_json"),
        (b'{"name": "\\ud800"}', "not_json"),
        (b"[" * 100_000, "not_json"),
        (b"[]", "not_an_object"),
        (b"7", "not_an_object"),
        (b'{"ibu": 40, "ibu": 41}', "repeated_key"),
        (data(hops=[{}] * 1001), "too_many_ingredients"),
        (data(ingredients={"hops": [{}] * 1001}), "too_many_ingredients"),
        (data(hops="Magnum"), "hops:list_type"),
        (data(hops=[{"name": "a", "amount_g": -1, "boil_minutes": 1}]), "hops:greater_than_equal"),
        (data(batch_volume_l=0), "batch_volume_l:greater_than"),
        (data(style="x" * 10_000), "style:string_too_long"),
    ],
)
def test_what_is_no_beer_fails_with_a_reason_that_shows_nothing_of_it(record: bytes, reason: str) -> None:
    outcome = transform(record)
    assert (outcome.kind, outcome.reason, outcome.line) == ("failed", reason, b"")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@given(st.fixed_dictionaries({}, optional={name: JSON for name in (*BEER, "ingredients", "hops", "volume", "style")}))
def test_any_object_has_an_outcome_and_a_clean_one_reads_back_to_the_same(beer: dict[str, Any]) -> None:
    outcome = transform(json.dumps({**BEER, **beer}).encode(), NOW)
    assert bool(outcome.line) == (outcome.kind == "clean") and bool(outcome.reason) != bool(outcome.line)
    if outcome.line:
        again = transform(outcome.line, NOW)
        assert again.line == outcome.line


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7, "7"),
        (7.0, "7"),
        (7.5, "7.5"),
        (1e300, "1e+300"),
        ("a", "a"),
        ("", None),
        (True, None),
        (None, None),
        ([], None),
    ],
)
def test_ids_and_names_are_text(value: object, text: str | None) -> None:
    assert text_of(value) == text


def test_an_id_that_python_does_not_write_is_missing() -> None:
    """Python writes no whole number of more than 4,300 digits."""
    outcome = transform(b'{"id": 1' + b"0" * 5000 + b', "ibu": 40, "target_og": 1056, "target_fg": 1013}')
    assert outcome.kind == "failed" or "id" not in json.loads(outcome.line)


def test_an_error_of_the_program_fails_one_record_and_shows_nothing_of_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("Seven is secret")

    monkeypatch.setattr(transformation, "request_of", fail)
    assert transform(data()) == Outcome("failed", "unexpected")
    assert caplog.messages == ["a record cannot be cleaned: ValueError"]
