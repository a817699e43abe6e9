"""Builds the recorder of the rows that are answered."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import SettingsError
from app.settings import Settings
from app.telemetry.metrics import Registry

if TYPE_CHECKING:
    from app.records.recorder import Recorder
    from app.records.shipping import Shipper


def build_recorder(settings: Settings, metrics: Registry) -> "Recorder | None":
    """Build the recorder; None if records are off; then its code is not imported.

    Args:
        settings: The settings.
        metrics: Registry of the process's metrics.

    Raises:
        SettingsError: If a package is missing.
    """
    if not settings.record_rate:
        return None
    from app.records.folder import Bounds
    from app.records.recorder import Recorder

    is_remote = settings.record_path.startswith("s3://")
    folder = settings.record_spool if is_remote else Path(settings.record_path)
    share = settings.record_disk // (2 * settings.workers)
    bounds = Bounds(min(settings.record_file_size, share), settings.record_file_seconds, settings.record_disk)
    shipper = _shipper(settings, folder, metrics) if is_remote or settings.record_format == "parquet" else None
    return Recorder(folder, settings.record_rate, bounds, metrics, settings.record_text, shipper)


def _shipper(settings: Settings, folder: Path, metrics: Registry) -> "Shipper":
    from importlib.util import find_spec

    from app.object_store import ObjectStore
    from app.records.shipping import Shipper

    if settings.record_format == "parquet" and find_spec("pyarrow") is None:
        raise SettingsError(
            "RECORD_FORMAT: parquet needs the package pyarrow, which is not installed here; install it with: "
            "pip install -r requirements/parquet.txt"
        )
    converts = settings.record_format == "parquet"
    bucket, _, prefix = settings.record_path.removeprefix("s3://").partition("/")
    if not settings.record_path.startswith("s3://"):
        return Shipper(folder, metrics, converts)
    return Shipper(folder, metrics, converts, partial(ObjectStore, bucket, settings.s3_endpoint), prefix)
