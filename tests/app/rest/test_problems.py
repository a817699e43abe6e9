"""Problems: the table from the error tree, and what is done to a caller's own words."""

import json

import pytest

from app.errors import CallError, Problem
from app.rest import problems
from app.rest.problems import KINDS, Kind, problem_body


def _below(kind: type[CallError]) -> set[type[CallError]]:
    return {kind for child in kind.__subclasses__() for kind in (child, *_below(child))}


def test_every_error_that_a_caller_can_meet_has_its_kind() -> None:
    assert _below(CallError) == KINDS.keys()


def test_every_kind_has_a_code_of_its_own_and_says_what_to_do() -> None:
    kinds = [kind for kind in vars(problems).values() if isinstance(kind, Kind)]
    assert len({kind.code for kind in kinds}) == len(kinds) >= 10
    assert all(kind.title and kind.detail.endswith(".") and 400 <= kind.status < 600 for kind in kinds)


def told(*found: Problem) -> list[dict[str, str]]:
    body = problem_body(problems.INVALID, found)
    assert len(body) <= 8192
    errors: list[dict[str, str]] = json.loads(body).get("errors", [])
    return errors


def test_without_details_there_is_no_list_of_errors() -> None:
    assert "errors" not in json.loads(problem_body(problems.NO_ROUTE))


def test_at_most_twenty_errors_are_told() -> None:
    assert len(told(*[Problem(f"beers.{i}.abv", "missing", "is required") for i in range(21)])) == 20


def test_at_most_8_kb_are_told_however_long_the_errors() -> None:
    errors = told(*[Problem("f" * 500, "c" * 300, "r" * 500)] * 20)
    assert 5 < len(errors) < 20
    assert len(errors[0]["field"]) <= 120 and errors[0]["field"].endswith("...")


@pytest.mark.parametrize("name", ["\x1b[31m", "a\r\nb", "<script>", "&amp;", "naïve", "\ud800", "\x00", "\u202e"])
def test_a_callers_own_name_cannot_colour_break_or_script(name: str) -> None:
    field = told(Problem(name, "extra_forbidden", "x"))[0]["field"]
    assert field.isascii() and field.isprintable() and not set("<>&") & set(field)
    assert len(field) == len(name)
