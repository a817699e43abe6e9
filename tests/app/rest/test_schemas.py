"""The schemas of the OpenAPI document: stable public names, and what generated clients need."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from app.domains.discovery import discover
from app.rest.docs import describe
from tests.committed import VERSIONS
from tests.known import BEER, REPOSITORY
from tests.model_manager import model_manager
from tests.rest_application import rest_application

pytestmark = pytest.mark.anyio

NAMES = """
    AdditionEstimates Assumption Beer BeerJsonNote BeerJsonRecipe BeerStyle Beers BitternessTarget CleaningStep
    ConfiguredTensor Contribution Datatype Estimates Explanation FieldProblem FigureRange Flower Health Hop HopForm
    HopKind HopPackaging HopStage HopUse HopVariety IndexOptions InferParameters InferRequest InferResponse
    InferenceError InferenceStatistics InputWarning Interval Malt ModelConfiguration ModelDescription ModelInput
    ModelMetadata ModelMetrics ModelOutput ModelReady ModelVersion NamedBeer OlderPet OlderPicture ParameterValue Pet
    PetProbabilities Picture PictureForm Prediction Predictions ProblemDetails Question QuestionProblem Questions
    ReachableBitterness RecipeAnswer RecipeAnswers RecipeFileForm RecipeNote RecipeProblem ReferenceBeer
    ReferenceShift RepositoryAnswer RepositoryOptions RequestInput RequestOutput ResponseOutput ServerLive
    ServerMetadata ServerReady Solution SolutionOrProblems Solutions SolvedBy Species StatisticDuration StatisticsList
    StyleBitterness StyleMatch Styles TensorMetadata TrainingData UntoldPart UnweighedBeer UnweighedHop Varieties
    VersionList VersionPolicy VersionState VersionStatistics
"""
"""Clients are generated with these names: one that changes breaks them. A new schema is added here."""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The OpenAPI document with all domains."""
    domains = discover()
    manager = model_manager(*domains)
    return describe(rest_application(manager, *[domain(manager) for domain in domains]).router)


def _schemas(node: Any, is_named: bool = False) -> Iterator[dict[str, Any]]:
    """Return the schemas without a name, at any depth."""
    if not is_named:
        yield node
    below = [*node.get("properties", {}).values()]
    for key in "anyOf", "oneOf", "allOf", "prefixItems":
        below += node.get(key, [])
    below += [node[key] for key in ("items", "additionalProperties") if isinstance(node.get(key), dict)]
    for schema in below:
        yield from _schemas(schema)


def _unnamed(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for schema in document["components"]["schemas"].values():
        yield from _schemas(schema, is_named=True)
    for operation in _operations(document):
        for body in (operation.get("requestBody", {}), *operation["responses"].values()):
            for media in body.get("content", {}).values():
                yield from _schemas(media["schema"])


def _operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for methods in document["paths"].values() for operation in methods.values()]


def _is_valid(document: dict[str, Any], name: str, value: Any) -> bool:
    whole = {"components": document["components"], "$ref": f"#/components/schemas/{name}"}
    return bool(Draft202012Validator(whole).is_valid(value))


def test_the_names_of_the_schemas_stay_the_same(document: dict[str, Any]) -> None:
    assert list(document["components"]["schemas"]) == sorted(NAMES.split())


def test_a_schema_has_its_name_as_title_and_nothing_else_has_a_title(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert {name: schema["title"] for name, schema in schemas.items()} == {name: name for name in schemas}
    assert not any(isinstance(schema.get("title"), str) for schema in _unnamed(document))


def test_no_name_of_a_module_and_no_name_of_a_language_is_a_name(document: dict[str, Any]) -> None:
    names = set(document["components"]["schemas"])
    assert all(re.fullmatch(r"(?:[A-Z][a-z]+)+", name) for name in names)
    assert names.isdisjoint({"Warning", "Error", "Parameters", "Response", "Request", "Record", "Any", "Unset", "File"})


def test_no_object_enumeration_or_union_is_written_twice(document: dict[str, Any]) -> None:
    found = Counter(
        json.dumps({key: value for key, value in schema.items() if key != "description"}, sort_keys=True)
        for schema in _unnamed(document)
        if not {"properties", "enum", "const", "prefixItems"}.isdisjoint(schema)
        or len([kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]) > 1
    )
    assert [schema for schema, count in found.items() if count > 1] == []


def test_every_object_has_a_name(document: dict[str, Any]) -> None:
    assert [schema for schema in _unnamed(document) if "properties" in schema] == []


def test_every_answer_in_json_has_a_named_schema(document: dict[str, Any]) -> None:
    for operation in _operations(document):
        for status, response in operation["responses"].items():
            for media_type, media in response.get("content", {}).items():
                if media_type.endswith("json"):
                    schema = media["schema"].get("items", media["schema"])
                    assert "$ref" in schema, (operation["operationId"], status)


def test_a_default_is_said_in_words_so_that_no_client_requires_the_field(document: dict[str, Any]) -> None:
    assert not any("default" in schema for schema in _unnamed(document))
    fields = document["components"]["schemas"]["Beer"]["properties"]
    assert fields["batch_volume_l"]["description"] == "Volume after the boil, l. Default: 20.0."
    assert fields["explain"]["description"].endswith(" Default: false.")


def test_the_requests_of_readme_are_valid(document: dict[str, Any]) -> None:
    readme = (REPOSITORY / "README.md").read_text("utf-8")
    command = re.search(r"-d '(\{.*?\})'", readme)
    recipe = re.search(r'```json\n("batch_volume_l".*?)\n```', readme, re.DOTALL)
    assert command and recipe
    beer = json.loads(command[1])
    assert _is_valid(document, "Beer", beer)
    assert _is_valid(document, "Beer", beer | json.loads(f"{{{recipe[1]}}}"))
    assert not _is_valid(document, "Beer", {**beer, "target_og": 105.6})


def test_the_named_examples_are_valid_requests(document: dict[str, Any]) -> None:
    examples = {}
    for operation in _operations(document):
        media = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        for name, example in media.get("examples", {}).items():
            examples[operation["operationId"], name] = example["summary"]
            assert _is_valid(document, media["schema"]["$ref"].rpartition("/")[2], example["value"])
    assert {("predict", "vital_figures"), ("predict", "recipe"), ("explain", "recipe")} <= examples.keys()
    assert {("predict_batch", "batch"), ("predict_iris", "setosa")} <= examples.keys()


async def test_the_named_examples_of_predict_are_answered_by_both_models(
    client: httpx.AsyncClient, document: dict[str, Any]
) -> None:
    examples = document["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["examples"]
    answers = [(await client.post("/predict", json=example["value"])).json() for example in examples.values()]
    assert [answer["model"]["name"] for answer in answers] == ["beer-ibu", "beer-ibu-recipe"]
    assert "explanation" in answers[1]


async def test_the_named_example_of_tensors_is_answered(client: httpx.AsyncClient, document: dict[str, Any]) -> None:
    media = document["paths"]["/v2/models/{model}/infer"]["post"]["requestBody"]["content"]["application/json"]
    answer = await client.post("/v2/models/beer-ibu/infer", json=media["examples"]["beer-ibu"]["value"])
    assert answer.status_code == 200 and len(answer.json()["outputs"][0]["data"]) == 2


TENSORS = [
    {"name": "abv", "datatype": "FP32", "shape": [1, 1], "data": [5.6]},
    {"name": "target_og", "datatype": "FP32", "shape": [1, 1], "data": [1056]},
    {"name": "target_fg", "datatype": "FP32", "shape": [1, 1], "data": [1013]},
]
MODEL = "/v2/models/{model}"
VERSION = "/v2/models/{model}/versions/{version}"


@pytest.mark.parametrize(
    "path",
    [
        "/v2",
        "/v2/health/live",
        "/v2/health/ready",
        "/v2/models/stats",
        *(f"{prefix}{end}" for prefix in (MODEL, VERSION) for end in ("", "/ready", "/config", "/stats", "/infer")),
        "/v2/repository/index",
        "/model",
        "/varieties",
        "/styles",
        "/health/live",
        "/health/ready",
    ],
)
async def test_an_answer_is_what_its_schema_says(
    client: httpx.AsyncClient, document: dict[str, Any], path: str
) -> None:
    (method,) = document["paths"][path]
    body = {"inputs": TENSORS} if path.endswith("/infer") else None
    answer = await client.request(method, path.format(model="beer-ibu", version=VERSIONS["beer-ibu"]), json=body)
    assert answer.status_code == 200
    schema = document["paths"][path][method]["responses"]["200"]["content"]["application/json"]["schema"]
    for item in answer.json() if schema.get("type") == "array" else [answer.json()]:
        name = schema.get("items", schema)["$ref"].rpartition("/")[2]
        assert _is_valid(document, name, item)
        known = document["components"]["schemas"][name]["properties"]
        assert item and item.keys() <= known.keys()


async def test_the_description_of_a_model_has_no_rows_of_its_training_data(
    client: httpx.AsyncClient, document: dict[str, Any]
) -> None:
    described = (await client.get("/model")).json()
    assert not {"explanation", "golden", "parameters"} & described.keys()
    assert described.keys() == document["components"]["schemas"]["ModelDescription"]["properties"].keys()


async def test_a_beer_with_a_gravity_between_the_ranges_is_invalid(client: httpx.AsyncClient) -> None:
    answer = await client.post("/predict", json={**BEER, "target_og": 105.6})
    assert answer.status_code == 422 and answer.json()["errors"][0]["field"] == "target_og"


def test_each_body_says_how_large_it_may_be(document: dict[str, Any]) -> None:
    for path, limit in ("/predict", "1,000,000"), ("/predict/batch", "8,000,000"), ("/pets/predict", "12,000,000"):
        assert document["paths"][path]["post"]["requestBody"]["description"] == f"At most {limit} bytes."
