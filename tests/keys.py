"""Keys for the tests, put into a file as the command does."""

import secrets
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from app.access.keyfile import KeyFile, StoredKey
from app.access.keystore import change_keys


def make_key(path: Path, name: str, **more: object) -> str:
    """Add a key to a file.

    Args:
        path: The file; made where it is missing.
        name: Becomes the id.
        more: Other fields of `StoredKey`; the scope is ``predict`` by default.

    Returns:
        The key.
    """
    key = secrets.token_urlsafe(32)
    fields = {"scopes": {"predict"}, "created": datetime.now(UTC), **more}
    stored = StoredKey.model_validate({"id": name, "sha256": sha256(key.encode()).hexdigest(), **fields})
    change_keys(path, lambda old: KeyFile(keys=(*old.keys, stored)))
    return key
