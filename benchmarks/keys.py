"""Servers that know 1, 100 and 10,000 keys: work a request must not grow with their number."""

from pathlib import Path

from app.settings import Settings
from benchmarks.servers import Contender

SETTING = "api_keys_file"


def key_variants(models: Path) -> tuple[list[tuple[int, Contender]], str]:
    """The servers by number of keys, or why there are none.

    Args:
        models: Folder of bundles.
    """
    if SETTING not in Settings.model_fields:
        return [], f"not measured: this version has no {SETTING.upper()}"
    return [], f"not measured: writing a file of {SETTING.upper()} comes with that setting"
