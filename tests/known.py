"""What tests on both sides of the wire know: the key, the repository's folder, a beer."""

from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
KEY = "a-key-for-the-tests-1234567890"
SETTINGS = {"API_KEY", "HOST", "PORT", "LOG_LEVEL", "MODEL_PATH", "DOCS_ENABLED"}
BEER: dict[str, Any] = {"abv": 5.6, "target_og": 1056.0, "target_fg": 1013.0, "ebc": 17.0, "srm": 8.6, "ph": 4.4}
