"""Schemathesis: valid and invalid requests generated from the OpenAPI document, sent to the running program."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from app.domains.discovery import discover
from app.rest.docs import describe
from tests.known import KEY
from tests.live.program import Program
from tests.live.wire import request
from tests.model_manager import model_manager
from tests.rest_application import rest_application

_domains = discover()
_manager = model_manager(*_domains)
DOCUMENT = describe(rest_application(_manager, *[domain(_manager) for domain in _domains]).router)
schema = schemathesis.openapi.from_dict(DOCUMENT)

PICTURE = {"base64", "no_picture", "broken_picture", "too_small", "too_many_pixels", "too_many_scans"}
QUESTION = {
    "one_target",
    "out_of_reach",
    "nothing_moves",
    "unknown_addition",
    "repeated",
    "not_a_hop",
    "bounds_swapped",
}
INEXPRESSIBLE = (
    PICTURE
    | QUESTION
    | {
        *("gravities_swapped", "stage_or_minutes", "only_in_stand", "alpha_range", "given_twice", "missing"),
        *("not_in_batch", "unknown_coverage", "too_many_problems"),
        *("ratio_out_of_bounds", "unknown_style", "no_range", "no_gravity"),
    }
)
"""Codes of errors that JSON Schema cannot express: dependent fields, what a model does not have, invalid pictures."""


def test_the_program_serves_the_tested_document(program: Program) -> None:
    assert program.send(request("GET", "/openapi.json")).json == DOCUMENT


def _check(case: Case, program: Program) -> None:
    answer = case.call(base_url=f"http://127.0.0.1:{program.port()}", headers={"X-API-Key": KEY})
    excluded: list[Any] = []
    if case.path == "/model":
        excluded.append(negative_data_rejection)  # unknown query parameters are ignored
    if case.path.startswith("/v2"):
        # Unknown keys are ignored, and the document does not describe the tensors of each model.
        excluded += [negative_data_rejection, positive_data_acceptance]
    if case.path == "/recipes":  # the document describes no file from within, and an unknown flag is ignored
        excluded += [negative_data_rejection, positive_data_acceptance]
    elif case.path == "/cat-dog_classification":  # errors have no codes, and unknown fields are ignored
        excluded += [negative_data_rejection, positive_data_acceptance]
    elif answer.status_code == 422 and {e["code"] for e in answer.json()["errors"]} <= INEXPRESSIBLE:
        excluded.append(positive_data_acceptance)
    case.validate_response(answer, excluded_checks=excluded)


@schema.exclude(path="/solve/batch").parametrize()  # its questions are those of /solve, and take long to generate
@settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_responses_conform_to_the_openapi_document(case: Case, program: Program) -> None:
    _check(case, program)


@pytest.mark.nightly
@schema.parametrize()
@settings(max_examples=500, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_two_thousand_responses_conform_to_the_openapi_document(case: Case, program: Program) -> None:
    _check(case, program)  # 500 for each operation with a body
