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

_kinds = discover()
_manager = model_manager(*_kinds)
DOCUMENT = describe(rest_application(_manager, *[k(_manager) for k in _kinds]).router)
schema = schemathesis.openapi.from_dict(DOCUMENT)

PICTURE = {"base64", "no_picture", "broken_picture", "too_small", "too_many_pixels", "too_many_scans"}
UNSAID = {"gravities_swapped", "stage_or_minutes", "not_in_batch"} | PICTURE
"""What JSON Schema has no words for: one field that depends on another, and what a picture is."""


def test_the_program_serves_the_tested_document(program: Program) -> None:
    assert program.send(request("GET", "/openapi.json")).json == DOCUMENT


def _hold(case: Case, program: Program) -> None:
    answer = case.call(base_url=f"http://127.0.0.1:{program.port()}", headers={"X-API-Key": KEY})
    excluded: list[Any] = []
    if case.path == "/model":
        excluded.append(negative_data_rejection)  # query parameters that it does not know are let be, as HTTP has it
    if case.path.startswith("/v2"):
        # keys that are not known are let be, and a tensor that no model has is data that fits the document
        excluded += [negative_data_rejection, positive_data_acceptance]
    if case.path == "/cat-dog_classification":  # failures have no codes, and fields that it does not know are let be
        excluded += [negative_data_rejection, positive_data_acceptance]
    elif answer.status_code == 422 and {e["code"] for e in answer.json()["errors"]} <= UNSAID:
        excluded.append(positive_data_acceptance)
    case.validate_response(answer, excluded_checks=excluded)


@schema.parametrize()
@settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_responses_conform_to_the_openapi_document(case: Case, program: Program) -> None:
    _hold(case, program)


@pytest.mark.nightly
@schema.parametrize()
@settings(max_examples=500, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
def test_two_thousand_responses_conform_to_the_openapi_document(case: Case, program: Program) -> None:
    _hold(case, program)  # of each operation that takes a body 500, and there are more than four
