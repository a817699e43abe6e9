"""The manifest: numbers that JSON cannot write again."""

import json

import pytest

from app.bundle.manifest import parse_manifest
from app.bundle.store import Bundle
from app.errors import BundleError


@pytest.mark.parametrize("field", ["metrics.values", "parameters"])
def test_an_infinite_figure_is_rejected(bundle: Bundle, field: str) -> None:
    document = json.loads(bundle.manifest.to_json())
    part, _, name = field.partition(".")
    (document[part][name] if name else document[part])["a"] = [{"b": "INFINITE"}]
    text = json.dumps(document).replace('"INFINITE"', "-1e999")
    with pytest.raises(BundleError, match=f"manifest.json: {field}: .*not finite"):
        parse_manifest(text)
