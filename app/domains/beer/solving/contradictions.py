"""Contradictions between the valid values of questions that the schema rejects."""

from collections.abc import Iterator
from dataclasses import replace

from app.domains.beer.contradictions import contradictions_of_beer
from app.domains.beer.solving.schema import MAX_QUESTIONS
from app.domains.quantities import MISSING
from app.errors import Problem


def contradictions_of_question(value: object) -> list[Problem]:
    """Find contradictions between the valid values of a question's beer.

    Args:
        value: The question as parsed from JSON.
    """
    return list(_of_question(value, ""))


def contradictions_of_questions(value: object) -> list[Problem]:
    """Find contradictions between the valid values of the beers of a batch of questions.

    Args:
        value: The batch as parsed from JSON.
    """
    questions = value.get("questions") if isinstance(value, dict) else None
    items = questions[:MAX_QUESTIONS] if isinstance(questions, list) else ()
    return [problem for index, item in enumerate(items) for problem in _of_question(item, f"questions.{index}.")]


def _of_question(value: object, prefix: str) -> Iterator[Problem]:
    beer = value.get("beer") if isinstance(value, dict) else None
    for problem in contradictions_of_beer(beer):
        if problem.code != MISSING:  # a weight may be missing here; of what may not, the schema tells
            yield replace(problem, field=f"{prefix}beer.{problem.field}")
