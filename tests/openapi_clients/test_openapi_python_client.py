"""The client that openapi-python-client generates."""

import importlib
import io
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.known import KEY

pytest.importorskip("openapi_python_client", reason="openapi-python-client is not installed (`tox -e clients`)")

PACKAGE = "generated_beer_client"


@pytest.fixture(scope="module")
def generated(document: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The generator's messages. The client can be imported."""
    folder = tmp_path_factory.mktemp("python")
    generator = shutil.which("openapi-python-client", path=str(Path(sys.executable).parent))
    assert generator
    command = [generator, "generate", "--meta", "none", "--path", str(document), "--output-path", str(folder / PACKAGE)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(folder))
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def client(generated: str, url: str) -> Iterator[Any]:
    """The client, which sends the key."""
    kind = importlib.import_module(PACKAGE).AuthenticatedClient
    with kind(base_url=url, token=KEY, auth_header_name="X-API-Key", prefix="") as client:
        yield client


def call(name: str, group: str = "default") -> Any:
    """The module of an operation."""
    return importlib.import_module(f"{PACKAGE}.api.{group}.{name}")


def models() -> Any:
    """The module of the schemas."""
    return importlib.import_module(f"{PACKAGE}.models")


def test_the_generator_leaves_out_pictures_and_xml_as_bodies_and_nothing_else(generated: str) -> None:
    warnings = re.findall(r"^(?:WARNING|ERROR|Unable).*?\n\n(.*?)$", generated, re.MULTILINE | re.DOTALL)
    pictures = {f"Unsupported content type image/{kind}" for kind in ("jpeg", "png", "webp")}
    assert set(warnings) == {*pictures, "Unsupported content type application/xml"}


def test_readmes_beer_has_a_prediction(client: Any, beer: dict[str, Any]) -> None:
    prediction = call("predict").sync(client=client, body=models().Beer.from_dict(beer))
    assert isinstance(prediction, models().Prediction)
    assert prediction.interval.lower <= prediction.ibu <= prediction.interval.upper
    assert (prediction.model.name, prediction.interval.coverage) == ("beer-ibu", 0.9)
    assert not prediction.explanation  # unset


def test_readmes_recipe_has_an_explanation_that_adds_up(client: Any, recipe: dict[str, Any]) -> None:
    prediction = call("predict").sync(client=client, body=models().Beer.from_dict(recipe))
    assert prediction.model.name == "beer-ibu-recipe"
    assert isinstance(prediction.explanation, models().Explanation)
    shares = [contribution.ibu for contribution in prediction.explanation.contributions]
    assert prediction.explanation.base_value + sum(shares) == pytest.approx(prediction.ibu)
    assert prediction.estimates.tinseth > 0


def test_a_batch_has_a_prediction_for_each_beer(client: Any, beer: dict[str, Any], recipe: dict[str, Any]) -> None:
    batch = models().Beers.from_dict({"beers": [beer, recipe | {"explain": False}]})
    answer = call("predict_batch").sync(client=client, body=batch)
    assert [type(prediction) for prediction in answer.predictions] == [models().Prediction] * 2


def test_an_invalid_beer_names_the_field(client: Any, beer: dict[str, Any]) -> None:
    wrong = models().Beer.from_dict(beer | {"ebc": -1.0})
    answer = call("predict").sync_detailed(client=client, body=wrong)
    assert answer.status_code == 422 and isinstance(answer.parsed, models().ProblemDetails)
    assert [error.field for error in answer.parsed.errors] == ["ebc"]


def test_a_wrong_key_is_a_problem(client: Any, url: str, beer: dict[str, Any]) -> None:
    kind = importlib.import_module(PACKAGE).AuthenticatedClient
    with kind(base_url=url, token="wrong", auth_header_name="X-API-Key", prefix="") as stranger:
        problem = call("predict").sync(client=stranger, body=models().Beer.from_dict(beer))
    assert isinstance(problem, models().ProblemDetails) and problem.code == "not_authenticated"


def test_an_iris_has_a_species(client: Any) -> None:
    flower = models().Flower(sepal_length=5.1, sepal_width=3.5, petal_length=1.4, petal_width=0.2)
    answer = call("predict_iris").sync(client=client, body=flower)
    assert isinstance(answer, models().Species) and answer.species == "setosa"


def test_a_picture_has_a_pet(client: Any, picture: bytes) -> None:
    file = importlib.import_module(f"{PACKAGE}.types").File(io.BytesIO(picture), "picture.jpg", "image/jpeg")
    answer = call("predict_pet").sync(client=client, body=models().PictureForm(image=file))
    assert isinstance(answer, models().Pet) and answer.pet in ("cat", "dog")
    assert answer.probabilities.cat + answer.probabilities.dog == pytest.approx(1, abs=0.001)


def test_the_recipes_of_a_file_have_beers_that_can_be_sent(client: Any) -> None:
    recipes = [{"name": "Pale", "target_og": 1050, "target_fg": 1010, "ingredients": {}}, {"ingredients": {}}]
    file = importlib.import_module(f"{PACKAGE}.types").File(io.BytesIO(json.dumps(recipes).encode()), "recipes.json")
    answer = call("predict_recipes").sync(client=client, body=models().RecipeFileForm(file=file), explain=True)
    good, bad = answer.recipes
    assert isinstance(good.beer, models().Beer) and good.prediction.explanation and bad.errors[0].reason
    assert call("predict").sync(client=client, body=good.beer).ibu == good.prediction.ibu


def test_the_hops_of_a_solution_can_be_sent(client: Any, recipe: dict[str, Any]) -> None:
    question = {"beer": recipe, "target": {"ibu": 40}, "by": "tinseth", "move": [0]}
    solution = call("solve").sync(client=client, body=models().Question.from_dict(question))
    assert isinstance(solution, models().Solution) and abs(solution.estimates.tinseth - 40) < 0.5
    beer = models().Beer.from_dict({**recipe, "hops": [hop.to_dict() for hop in solution.hops]})
    assert call("predict").sync(client=client, body=beer).ibu == solution.prediction.ibu


def test_the_lists_have_types(client: Any) -> None:
    assert all(isinstance(each, models().HopVariety) for each in call("varieties").sync(client=client).varieties)
    assert all(isinstance(each, models().BeerStyle) for each in call("styles").sync(client=client).styles)


def test_the_model_and_the_health_have_types(client: Any) -> None:
    model = call("model").sync(client=client, name="beer-ibu")
    assert isinstance(model, models().ModelDescription)
    assert all(isinstance(each, models().ModelInput) for each in model.inputs)
    assert call("live").sync(client=client).status == "live"


def test_the_open_protocol_has_types(client: Any) -> None:
    group = "open_inference_protocol"
    metadata = call("v2_model", group).sync("iris", client=client)
    assert isinstance(metadata, models().ModelMetadata)
    rows = {"name": "features", "datatype": "FP32", "shape": [1, 4], "data": [5.1, 3.5, 1.4, 0.2]}
    body = models().InferRequest.from_dict({"inputs": [rows], "outputs": [{"name": "class_id"}]})
    answer = call("v2_infer", group).sync("iris", client=client, body=body)
    assert isinstance(answer, models().InferResponse)
    assert answer.outputs[0].data == [0]
    versions = call("v2_index", group).sync(client=client, body=models().IndexOptions())
    assert all(isinstance(version, models().VersionState) for version in versions)
    error = call("v2_model", group).sync("nothing", client=client)
    assert isinstance(error, models().InferenceError) and error.error
