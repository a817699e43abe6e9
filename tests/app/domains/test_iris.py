"""The iris API: species, scores and warnings from the real model over the REST API."""

from pathlib import Path

import httpx
import numpy as np
import pytest

from app.bundle.store import highest, read_bundle
from app.domains.iris import EXAMPLE_ANSWER, EXAMPLE_FLOWER, Flower, FlowerRowValidator, IrisApi
from app.errors import InputError
from app.runtime.onnx import OnnxPredictor
from tests.known import KEY
from tests.model_manager import model_manager
from tests.rest_application import rest_application

VERSICOLOR = {"sepal_length": 5.7, "sepal_width": 2.8, "petal_length": 4.1, "petal_width": 1.3}
VIRGINICA = {"sepal_length": 6.3, "sepal_width": 3.3, "petal_length": 6.0, "petal_width": 2.5}


@pytest.fixture
def client(models: Path) -> httpx.AsyncClient:
    """A client of a REST application with only the iris domain."""
    manager = model_manager(IrisApi)
    manager.add(OnnxPredictor(read_bundle(highest(models, "iris"))))
    application = rest_application(manager, IrisApi(manager))
    transport = httpx.ASGITransport(app=application)  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=transport, base_url="http://test", headers={"X-API-Key": KEY})


@pytest.mark.anyio
async def test_the_example_is_answered_as_documented(client: httpx.AsyncClient) -> None:
    answer = await client.post("/iris/predict", json=EXAMPLE_FLOWER)
    assert (answer.status_code, answer.json()) == (200, EXAMPLE_ANSWER)


@pytest.mark.parametrize(("flower", "species", "number"), [(VERSICOLOR, "versicolor", 1), (VIRGINICA, "virginica", 2)])
@pytest.mark.anyio
async def test_the_species_is_the_one_with_the_largest_score(
    client: httpx.AsyncClient, flower: dict[str, float], species: str, number: int
) -> None:
    prediction = (await client.post("/iris/predict", json=flower)).json()
    assert (prediction["species"], prediction["class_id"], prediction["warnings"]) == (species, number, [])
    assert max(prediction["scores"], key=prediction["scores"].get) == species


@pytest.mark.anyio
async def test_lengths_outside_the_trained_range_get_warnings_by_name(client: httpx.AsyncClient) -> None:
    prediction = (await client.post("/iris/predict", json={**VIRGINICA, "petal_length": 30, "sepal_width": 0})).json()
    assert [(w["code"], w["field"]) for w in prediction["warnings"]] == [
        ("outside_trained_range", "sepal_width"),
        ("outside_trained_range", "petal_length"),
    ]
    assert prediction["warnings"][1]["message"] == "petal_length is 30 cm; the model was trained on 1 to 6.9 cm."
    for edge in {"petal_length": 6.9}, {"petal_width": 0.1}:
        assert (await client.post("/iris/predict", json={**VIRGINICA, **edge})).json()["warnings"] == []


@pytest.mark.parametrize("wrong", [-0.1, 30.1, "5", None, True, [5]])
@pytest.mark.anyio
async def test_an_invalid_length_is_rejected_by_field(client: httpx.AsyncClient, wrong: object) -> None:
    answer = await client.post("/iris/predict", json={**VIRGINICA, "petal_width": wrong})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["petal_width"]


@pytest.mark.anyio
async def test_a_missing_or_unknown_length_is_rejected(client: httpx.AsyncClient) -> None:
    assert (await client.post("/iris/predict", json={**VIRGINICA, "height": 1})).status_code == 422
    short = {name: value for name, value in VIRGINICA.items() if name != "sepal_width"}
    assert (await client.post("/iris/predict", json=short)).json()["errors"][0]["field"] == "sepal_width"


def test_rows_over_the_open_protocol_are_validated_like_flowers(models: Path) -> None:
    validate = FlowerRowValidator(read_bundle(highest(models, "iris")).manifest).validate
    rows = np.array([list(VIRGINICA.values()), [4.3, 2.0, 1.0, 0.1], [7.9, 4.4, 6.9, 2.5], [5, 9, 7, 1]], np.float32)
    assert [(row, warning["field"]) for row, warning in validate(rows)] == [(3, "sepal_width"), (3, "petal_length")]
    with pytest.raises(InputError) as caught:
        validate(np.array([[5, 3, 1, 1], [5, 31, 1, -1], [5, 32, 1, 1]], np.float32))
    assert [(p.field, p.reason) for p in caught.value.problems] == [
        ("inputs.sepal_width", "row 1: must be 0 to 30"),
        ("inputs.petal_width", "row 1: must be 0 to 30"),
    ]


def test_lengths_follow_the_order_of_the_manifest(models: Path) -> None:
    manifest = read_bundle(highest(models, "iris")).manifest
    turned = manifest.model_copy(update={"inputs": manifest.inputs[::-1]})
    flower = Flower(**VIRGINICA)
    assert FlowerRowValidator(turned).lengths(flower) == tuple(VIRGINICA.values())[::-1]
    with pytest.raises(ValueError, match="inputs must be sepal_length"):
        FlowerRowValidator(manifest.model_copy(update={"inputs": manifest.inputs[:3]}))
