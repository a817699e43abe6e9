"""Buckets that are folders, for tests that have no object store: obstore's own store of local files."""

from pathlib import Path
from typing import Any

import pytest
from obstore.store import LocalStore

from app import object_store


class FolderStore(LocalStore):
    """A bucket."""

    def put(self, path: str, file: Any, *, attributes: Any = None, **options: Any) -> Any:
        """Write a file; its system keeps no media type."""
        return super().put(path, file, **options)


def use_folders(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    """Make every bucket the folder of its name.

    Args:
        monkeypatch: Undoes it.
        root: Folder of the buckets.
    """
    monkeypatch.setattr(object_store, "_open", lambda name, _: FolderStore(prefix=root / name, mkdir=True))
