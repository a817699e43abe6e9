"""docs/solve.md: its question is answered as it says."""

import json
import re

from app.domains.beer.api import BeerApi
from app.domains.beer.solving.schema import Question
from tests.known import REPOSITORY

DOCS = (REPOSITORY / "docs" / "solve.md").read_text("utf-8")


def test_the_question_of_the_documentation_has_the_answer_that_it_shows(domain: BeerApi) -> None:
    question, answer = map(json.loads, re.findall(r"```json\n(.*?)```", DOCS, re.DOTALL))
    solution = domain.solve(Question.model_validate(question))
    assert {key: value for key, value in solution.items() if key != "prediction"} == answer


def test_every_field_of_a_question_and_an_answer_is_documented(domain: BeerApi) -> None:
    question = json.loads(re.findall(r"```json\n(.*?)```", DOCS, re.DOTALL)[0])
    fields = {*Question.model_fields, *domain.solve(Question.model_validate(question))}
    assert {field for field in fields if f"`{field}`" not in DOCS} == set()
