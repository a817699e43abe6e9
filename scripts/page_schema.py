"""Write the schemas of the beer's requests and answers as an OpenAPI document of their own, for scripts/page_types.sh.

The brewer's page needs types and nothing else, so that texts, examples and limits are left out: a change of these
leaves the types as they are. Usage: ``python scripts/page_schema.py [--digest]``.
"""

import json
import re
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import SecretStr

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from app.composition.program import build  # noqa: E402
from app.domains.beer.api import BeerApi  # noqa: E402
from app.rest.docs import describe  # noqa: E402
from app.settings import Settings  # noqa: E402

TYPES = ROOT / "app" / "page" / "api.d.ts"
_KEPT = {
    *("$ref", "additionalProperties", "allOf", "anyOf", "const", "enum", "items", "oneOf", "prefixItems", "properties"),
    *("required", "type"),
}
"""Keywords that a type is made of."""
_ELSEWHERE = ("/v2", "/health", "/metrics", "/.well-known")
"""Beginnings of paths that the page does not call."""
_REFERENCE = "#/components/schemas/"
_DIGEST = re.compile(r"^// Schemas: ([0-9a-f]{64})$", re.MULTILINE)


def page_document() -> dict[str, Any]:
    """Return an OpenAPI document without paths that has the schemas of the beer's routes."""
    settings = Settings(_env_file=None, api_key=SecretStr("x" * 16), docs_enabled=False)
    document = describe(build(settings, [BeerApi]).rest.router)
    schemas = document["components"]["schemas"]
    waiting = [path for name, path in document["paths"].items() if not name.startswith(_ELSEWHERE)]
    found: dict[str, Any] = {}
    while waiting:
        for name in set(_references(waiting.pop())) - found.keys():
            found[name] = schemas[name]
            waiting.append(schemas[name])
    return {
        "openapi": document["openapi"],
        "info": {"title": "Beer Model", "version": "1"},
        "paths": {},
        "components": {"schemas": {name: _shape(found[name]) for name in sorted(found)}},
    }


def digest(document: dict[str, Any]) -> str:
    """Return the digest of a document, which the types made from it name."""
    return sha256(json.dumps(document, sort_keys=True).encode("ascii")).hexdigest()


def digest_of_types(text: str) -> str:
    """Return the digest that types name; empty if there is none."""
    match = _DIGEST.search(text)
    return match[1] if match else ""


def _references(node: Any) -> Iterator[str]:
    """Return the names of the schemas that a part of a document refers to."""
    if isinstance(node, dict):
        if isinstance(reference := node.get("$ref"), str) and reference.startswith(_REFERENCE):
            yield reference.removeprefix(_REFERENCE)
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)


def _shape(schema: Any) -> Any:
    """Return a schema without what is no part of a type."""
    if isinstance(schema, list):
        return [_shape(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    shape = {key: _shape(value) for key, value in schema.items() if key in _KEPT and key != "properties"}
    if "properties" in schema:
        shape["properties"] = {name: _shape(each) for name, each in sorted(schema["properties"].items())}
    return shape


if __name__ == "__main__":
    written = page_document()
    print(digest(written) if sys.argv[1:] == ["--digest"] else json.dumps(written, sort_keys=True))
