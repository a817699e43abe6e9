"""Constants of tests: the API key, the repository's folder, the names of settings, an example beer."""

from pathlib import Path
from typing import Any

from app.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[1]
KEY = "a-key-for-the-tests-1234567890"
SETTINGS = {name.upper() for name in Settings.model_fields}
"""Names of every setting, as environment variables."""
BEER: dict[str, Any] = {"abv": 5.6, "target_og": 1056.0, "target_fg": 1013.0, "ebc": 17.0, "srm": 8.6, "ph": 4.4}
