"""Servers with 1, 100 and 10,000 keys: the cost of a request must not grow with their number."""

import json
import secrets
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from app.settings import Settings
from benchmarks.contenders import ours
from benchmarks.servers import KEY, Contender

SETTING = "api_keys_file"
KEY_COUNTS = (1, 100, 10_000)


def key_variants(models: Path, folder: Path) -> tuple[list[tuple[int, Contender]], str]:
    """Describe servers with different numbers of keys.

    Args:
        models: Folder of bundles.
        folder: Directory for the key files.

    Returns:
        Number of keys and server of each variant, and the reason if there are none.
    """
    if SETTING not in Settings.model_fields:
        return [], f"not measured: this version has no {SETTING.upper()}"
    server = ours(models)
    variants = []
    for count in KEY_COUNTS:
        path = folder / f"{count}-keys.json"
        path.write_text(_file_of_keys(count))
        path.chmod(0o600)
        environment = {**server.environment, SETTING.upper(): str(path), "API_KEY": secrets.token_urlsafe(32)}
        variants.append((count, replace(server, name=f"ours, {count:,} keys", environment=environment)))
    return variants, ""


def _file_of_keys(count: int) -> str:
    """Build a key file whose last key is the benchmark's."""
    keys = [secrets.token_urlsafe(32) for _ in range(count - 1)] + [KEY]
    stored = [
        {
            "id": f"key-{index}",
            "sha256": sha256(key.encode()).hexdigest(),
            "scopes": ["predict"],
            "created": "2026-01-01T00:00:00Z",
        }
        for index, key in enumerate(keys)
    ]
    return json.dumps({"format_version": 1, "keys": stored})
