"""The start: settings, parts and models, all before a port opens; what is wrong becomes an exit code."""

import atexit
import sys
from pathlib import Path
from typing import NoReturn

from app.composition.models import fetch_models
from app.composition.program import Program, build
from app.domains.discovery import discover
from app.errors import BundleError, SettingsError
from app.settings import Settings, load_settings, log_deprecated_names
from app.telemetry.folder import make_folder
from app.telemetry.logs import configure_logging
from app.telemetry.metrics import Registry

EXIT_SETTINGS = 2
EXIT_BUNDLE = 3
KNOWN_GOOD = "known-good"
"""File beside the workers' figures: versions that the parent found to be good, which a worker need not try again."""


def start(
    metrics_folder: Path | None = None, workers: int | None = None, role: str | None = None
) -> tuple[Settings, Program]:
    """Read the settings, build the parts, verify and load the models.

    Args:
        metrics_folder: Where several workers put what is counted; None makes one where there are several.
        workers: Goes before the setting.
        role: Goes before the setting.

    Returns:
        The settings, and a program that is ready.

    Raises:
        SystemExit: 2 where a setting is missing or wrong, 3 where a bundle is; stderr says which and why.
    """
    try:
        return prepare(metrics_folder, workers, role)
    except SettingsError as error:
        quit_with(f"Settings: {error}", EXIT_SETTINGS)
    except BundleError as error:
        quit_with(f"Bundle: {error}", EXIT_BUNDLE)


def prepare(
    metrics_folder: Path | None = None, workers: int | None = None, role: str | None = None
) -> tuple[Settings, Program]:
    """As `start`, for whoever says otherwise what is wrong.

    Args:
        metrics_folder: See `start`.
        workers: See `start`.
        role: See `start`.

    Returns:
        See `start`.

    Raises:
        SettingsError: A setting is missing or wrong.
        BundleError: A bundle is.
    """
    settings = load_settings(workers, role)
    configure_logging(settings.log_level)
    is_worker = metrics_folder is not None
    if not is_worker:  # a worker takes what was fetched for all, so that all serve the same
        log_deprecated_names(settings)
        fetch_models(settings, discover())
    program = build(settings, _metrics(settings, metrics_folder))
    if metrics_folder is not None:
        program.manager.trust((metrics_folder / KNOWN_GOOD).read_text("ascii").splitlines())
    program.manager.load_active(is_worker)
    if not is_worker and program.metrics.folder is not None:
        (program.metrics.folder / KNOWN_GOOD).write_text("\n".join(program.manager.known_good), "ascii")
    return settings, program


def _metrics(settings: Settings, folder: Path | None) -> Registry:
    metrics = Registry(make_folder() if folder is None and settings.workers > 1 else folder)
    atexit.register(metrics.leave)  # also where the start fails, and under any server
    return metrics


def quit_with(message: str, code: int) -> NoReturn:
    """Say on stderr why the program does not start, and leave."""
    print(message, file=sys.stderr)
    raise SystemExit(code)
