"""The committed bundles, by version: tests do not depend on what else was trained into ``models/``, or is active."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from tests.known import REPOSITORY

VERSIONS = {"beer-ibu": "2", "beer-ibu-recipe": "2", "beer-ibu-style": "2", "cat-dog": "1", "iris": "1"}
"""The committed version of each model."""


def committed(name: str, version: str | None = None) -> Path:
    """Return the folder of a committed bundle.

    Args:
        name: Name of the model.
        version: An earlier version that is committed as well; None is the one in `VERSIONS`.
    """
    return REPOSITORY / "models" / name / (version or VERSIONS[name])


@cache
def committed_models() -> Path:
    """Return a folder with copies of the committed bundles and no others. A test must not write there."""
    root = Path(tempfile.mkdtemp(prefix="committed-models-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    root.chmod(0o755)  # some tests start the program as another user
    for name, version in VERSIONS.items():
        shutil.copytree(committed(name), root / name / version)
    return root
