"""A client of the older picture service against the program: without a key, on the older path."""

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
    """A client as written for the older service: it sends a picture and reads cat or dog."""

    def __init__(self, port: int) -> None:
        self._address = f"http://127.0.0.1:{port}/cat-dog_classification"

    def classify(self, picture: bytes) -> tuple[str, float]:
        """Return cat or dog, and the confidence in percent."""
        status, content = self.post({"image_b64": base64.b64encode(picture).decode("utf-8")})
        assert status == 200 and content["status"] == "Success" and content.keys() == FIELDS
        return content["pet_type"], content["model_conf"]

    def post(self, body: object) -> tuple[int, dict[str, Any]]:
        """Return the status and the content of the response."""
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
    """The program with the settings of the older service, except for its port 7998."""
    return start(API_KEY=KEY, PORT="0", PUBLIC_MODELS="cat-dog")


def test_clients_of_the_older_service_work_unchanged(program: Program) -> None:
    client = OlderClient(program.port())
    for seed, kind in enumerate(("JPEG", "PNG", "WEBP")):
        picture = encoded(synthetic_image(seed, (640, 480)), kind)
        pet, confidence = client.classify(picture)
        current = program.send(request("POST", "/pets/predict", [("Content-Type", "image/png")], picture)).json
        assert pet == current["pet"].upper() and confidence == round(100 * current["confidence"], 2)


@pytest.mark.parametrize(
    "body", [{"image_b64": "no picture"}, {"image": ""}, [], {"image_b64": "R0lGODlhAQABAAAAACw="}]
)
def test_an_invalid_picture_is_answered_with_422_and_a_message(program: Program, body: object) -> None:
    status, content = OlderClient(program.port()).post(body)
    assert status == 422 and content.keys() == {"status", "msg"} and content["status"] == "Failed"


def test_the_beer_model_still_requires_a_key(program: Program) -> None:
    assert program.send(request("POST", "/predict", [], b"{}")).status == 401
