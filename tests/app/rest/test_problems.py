"""Problem bodies: bounded in size, and safe whatever field names the client chose."""

import json

import pytest

from app.errors import Problem
from app.problem_types import INVALID_INPUT, NOT_FOUND
from app.rest.problems import problem_body


def told(*found: Problem) -> list[dict[str, str]]:
    body = problem_body(INVALID_INPUT, found)
    assert len(body) <= 8192
    errors: list[dict[str, str]] = json.loads(body).get("errors", [])
    return errors


def test_without_details_there_is_no_list_of_errors() -> None:
    assert "errors" not in json.loads(problem_body(NOT_FOUND))


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
