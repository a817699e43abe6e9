"""The types of the brewer's page are made from the schemas of today; tests/openapi_clients makes them anew."""

from scripts.page_schema import TYPES, digest, digest_of_types, page_document


def test_the_types_of_the_page_name_the_schemas_of_today() -> None:
    document = page_document()
    assert {"Beer", "Prediction", "RecipeAnswers", "ProblemDetails"} <= document["components"]["schemas"].keys()
    stale = "app/page/api.d.ts is stale: run scripts/page_types.sh"
    assert digest_of_types(TYPES.read_text("utf-8")) == digest(document), stale
