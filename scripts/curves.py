"""Draws the answers of two versions of the recipe model as one thing changes.

Run it from the repository's root: python scripts/curves.py. It writes docs/images/curves.png.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from app.bundle.store import read_bundle  # noqa: E402
from training.curves import curves  # noqa: E402

FOLDER = ROOT / "models" / "beer-ibu-recipe"
PICTURE = ROOT / "docs" / "images" / "curves.png"

if __name__ == "__main__":
    curves([read_bundle(FOLDER / version) for version in ("1", "2")]).savefig(PICTURE, dpi=110)
