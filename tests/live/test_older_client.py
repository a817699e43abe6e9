"""A client of the older picture service, written to its contract alone, against the program: no key, its own path."""

import base64
import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from tests.known import KEY
from tests.live.program import Program, Start
from tests.live.wire import request
from tests.pictures import encoded, synthetic_image

FIELDS = {"status", "pet_type", "model_conf"}


class OlderClient:
    """What the older service's users have: a function that sends a picture and reads cat or dog."""

    def __init__(self, port: int) -> None:
        self._address = f"http://127.0.0.1:{port}/cat-dog_classification"

    def classify(self, picture: bytes) -> tuple[str, float]:
        """Cat or dog, and the confidence in percent."""
        status, told = self.post({"image_b64": base64.b64encode(picture).decode("utf-8")})
        assert status == 200 and told["status"] == "Success" and told.keys() == FIELDS
        return told["pet_type"], told["model_conf"]

    def post(self, body: object) -> tuple[int, dict[str, Any]]:
        """The status and what was told."""
        call = urllib.request.Request(
            self._address, json.dumps(body).encode(), {"Content-Type": "application/json"}, method="POST"
        )
        try:
            with urllib.request.urlopen(call, timeout=30) as answer:  # noqa: S310
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)


@pytest.fixture
def program(start: Start) -> Program:
    """The program as its users start it, but for the port, which was 7998."""
    return start(API_KEY=KEY, PORT="0", PUBLIC_MODELS="cat-dog")


def test_clients_of_the_older_service_work_unchanged(program: Program) -> None:
    client = OlderClient(program.port())
    for number, kind in enumerate(("JPEG", "PNG", "WEBP")):
        picture = encoded(synthetic_image(number, (640, 480)), kind)
        pet, confidence = client.classify(picture)
        today = program.send(request("POST", "/pets/predict", [("Content-Type", "image/png")], picture)).json
        assert pet == today["pet"].upper() and confidence == round(100 * today["confidence"], 2)


@pytest.mark.parametrize(
    "body", [{"image_b64": "no picture"}, {"image": ""}, [], {"image_b64": "R0lGODlhAQABAAAAACw="}]
)
def test_an_invalid_picture_is_answered_with_422_and_a_message(program: Program, body: object) -> None:
    status, told = OlderClient(program.port()).post(body)
    assert status == 422 and told.keys() == {"status", "msg"} and told["status"] == "Failed"


def test_the_beer_model_still_requires_a_key(program: Program) -> None:
    assert program.send(request("POST", "/predict", [], b"{}")).status == 401
