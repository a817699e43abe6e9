"""API keys for tests, added to a key file in the same way as ``python -m app keys create``."""

import secrets
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from app.access.key_file import KeyFile, StoredKey, change_keys


def make_key(path: Path, name: str, **fields: object) -> str:
    """Add a key to a file.

    Args:
        path: The file; created if it is missing.
        name: The id of the key.
        fields: Other fields of `StoredKey`; the default scope is ``predict``.

    Returns:
        The key.
    """
    key = secrets.token_urlsafe(32)
    defaults = {"scopes": {"predict"}, "created": datetime.now(UTC)}
    stored = StoredKey.model_validate({"id": name, "sha256": sha256(key.encode()).hexdigest(), **defaults, **fields})
    change_keys(path, lambda old: KeyFile(keys=(*old.keys, stored)))
    return key
