"""BeerJSON's schema, and the sample files of its repository."""

import json
from functools import cache
from typing import Any

from jsonschema import Draft7Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT7

from tests.known import REPOSITORY

SCHEMA = REPOSITORY / "tests" / "data" / "beerjson_schema"
SAMPLES = REPOSITORY.parent / "shared" / "data" / "brewing" / "beerjson" / "samples"
WITH_RECIPES = ("CheaterHops", "FirstWortHopAddition", "KettleSour", "Londonpride", "RRSummerBitter", "recipes")
"""Sample files with recipes of beer."""


@cache
def _validator() -> Draft7Validator:
    schemas = [json.loads(path.read_text("utf-8")) for path in sorted(SCHEMA.glob("*.json"))]
    registry: Registry[Any] = Registry().with_resources(
        (schema["$id"], Resource.from_contents(schema, default_specification=DRAFT7)) for schema in schemas
    )
    return Draft7Validator(json.loads((SCHEMA / "beer.json").read_text("utf-8")), registry=registry)


def errors(document: bytes) -> list[str]:
    """What is wrong with a document by beerjson's schema."""
    return [f"{error.json_path}: {error.message}" for error in _validator().iter_errors(json.loads(document))]
