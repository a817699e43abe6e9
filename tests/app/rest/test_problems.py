"""Problem bodies: limited in size, and safe for any field name."""

import json

import pytest

from app.errors import Problem
from app.problem_types import INVALID_INPUT, NOT_FOUND
from app.rest.problems import problem_body


def listed_errors(*problems: Problem) -> list[dict[str, str]]:
    body = problem_body(INVALID_INPUT, problems)
    assert len(body) <= 8192
    errors: list[dict[str, str]] = json.loads(body).get("errors", [])
    return errors


def test_a_problem_without_input_errors_has_no_list_of_errors() -> None:
    assert "errors" not in json.loads(problem_body(NOT_FOUND))


def test_at_most_twenty_errors_are_listed() -> None:
    assert len(listed_errors(*[Problem(f"beers.{i}.abv", "missing", "is required") for i in range(21)])) == 20


def test_a_problem_has_at_most_8_kb() -> None:
    errors = listed_errors(*[Problem("f" * 500, "c" * 300, "r" * 500)] * 20)
    assert 5 < len(errors) < 20
    assert len(errors[0]["field"]) <= 120 and errors[0]["field"].endswith("...")


@pytest.mark.parametrize("name", ["\x1b[31m", "a\r\nb", "<script>", "&amp;", "naïve", "\ud800", "\x00", "\u202e"])
def test_field_names_of_the_client_are_sanitized(name: str) -> None:
    field = listed_errors(Problem(name, "extra_forbidden", "x"))[0]["field"]
    assert field.isascii() and field.isprintable() and not set("<>&") & set(field)
    assert len(field) == len(name)
