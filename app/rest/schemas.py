"""The schemas of the OpenAPI document: public names, and nothing that generators of clients misread."""

import json
from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

_PREFIX = "#/components/schemas/"
PUBLIC_NAMES = {
    "Input": "ModelInput",
    "Kind": "HopKind",
    "Metrics": "ModelMetrics",
    "ModelRef": "ModelVersion",
    "Output": "ModelOutput",
    "Parameters": "InferParameters",
    "Probabilities": "PetProbabilities",
    "PublicManifest": "ModelDescription",
    "Stage": "HopStage",
    "Use": "HopUse",
    "Warning": "InputWarning",
}
"""Name in the document by the name of a class, where the latter says too little beyond its module."""
SAME_AS = "x-same-as"
"""Key in the schema of a value whose class is that of a request: an answer repeats it, without its defaults."""
_FORM = "multipart/form-data"
_ANY_JSON = "JsonValue"
"""Pydantic's name for any value."""


def reference(name: str) -> Schema:
    """Return a reference to a schema.

    Args:
        name: Name of its class, or of the schema if it has none.
    """
    return {"$ref": _PREFIX + name}


def publish_schemas(document: dict[str, Any]) -> None:
    """Give the schemas of a document their public names, and rewrite what generators of clients misread.

    - A schema is titled with its name. Pydantic's titles of fields are dropped: they repeat the names of the fields,
      and openapi-python-client makes class names of them.
    - A default becomes a sentence of the description: openapi-typescript requires fields that have one.
    - A form becomes a schema of its own, and comes first: openapi-generator uses the first media type of a body, and
      its TypeScript imports a file that it does not write if a form comes later.

    Args:
        document: The OpenAPI document, which is changed.
    """
    schemas = document["components"]["schemas"]
    for operation in (each for methods in document["paths"].values() for each in methods.values()):
        for parameter in operation.get("parameters", ()):
            parameter["schema"] = _parameter_schema(parameter["schema"])
        for body in (operation.get("requestBody", {}), *operation["responses"].values()):
            content = body.get("content", {})
            for media in content.values():
                media["schema"] = _with_name(media["schema"], schemas)
            if _FORM in content:
                body["content"] = {_FORM: content[_FORM], **content}
    schemas.pop(_ANY_JSON, None)
    for schema in schemas.values():
        for each in _parts(schema):
            if named := each.pop(SAME_AS, None):
                each.clear()
                each.update(reference(named))
            each.pop("title", None)
            _describe_default(each)
    names = {name: PUBLIC_NAMES.get(name, name) for name in schemas}
    _rename_references(document, {_PREFIX + name: _PREFIX + public for name, public in names.items()})
    titled = {public: {"title": public, **schemas[name]} for name, public in names.items()}
    document["components"]["schemas"] = {name: titled[name] for name in sorted(titled)}


def _parts(schema: Schema) -> Iterator[Schema]:
    """Return a schema and those inside it, but not those that it refers to."""
    yield schema
    inner = list(schema.get("properties", {}).values())
    for key in "anyOf", "oneOf", "allOf", "prefixItems":
        inner += schema.get(key, ())
    inner += [schema[key] for key in ("items", "additionalProperties") if isinstance(schema.get(key), dict)]
    for each in inner:
        yield from _parts(each)


def _parameter_schema(schema: Schema) -> Schema:
    """Return the schema of a parameter without its title, and without null, which cannot be sent."""
    kinds = [kind for kind in schema.pop("anyOf", ()) if kind != {"type": "null"}]
    schema.pop("title", None)
    return {**schema, **kinds[0]} if len(kinds) == 1 else schema | ({"anyOf": kinds} if kinds else {})


def _with_name(schema: Schema, schemas: dict[str, Schema]) -> Schema:
    """Move the schema of a body to the named ones if it is an object with a title."""
    title = schema.pop("title", None)
    if title is None or "properties" not in schema:
        return schema
    schemas[title] = schema
    return reference(title)


def _describe_default(schema: Schema) -> None:
    """Say the default in the description."""
    default = schema.pop("default", None)
    if default is not None:
        schema["description"] = f"{schema.get('description', '')} Default: {json.dumps(default)}.".lstrip()


def _rename_references(node: Any, names: dict[str, str]) -> None:
    if isinstance(node, dict):
        if node.get("$ref") == _PREFIX + _ANY_JSON:
            del node["$ref"]
        elif "$ref" in node:
            node["$ref"] = names.get(node["$ref"], node["$ref"])
        for value in node.values():
            _rename_references(value, names)
    elif isinstance(node, list):
        for value in node:
            _rename_references(value, names)
