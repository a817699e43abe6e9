"""Loads the program before a port opens: settings, parts and models. Errors become exit codes."""

import atexit
import logging
import sys
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from app import __version__
from app.audit import Audit, Change, user
from app.bundle.fetch import is_remote, models_root
from app.composition.models import fetch_models
from app.composition.program import Program, build
from app.domains.api import DomainApi
from app.domains.discovery import discover, present, select
from app.errors import BundleError, SettingsError
from app.models.starting import load_active
from app.settings import Settings, changed_settings, load_settings, log_deprecated_names, log_readable_secrets
from app.telemetry.folder import make_folder
from app.telemetry.log_writer import count_dropped_lines
from app.telemetry.logs import configure_logging
from app.telemetry.metrics import Registry

EXIT_SETTINGS = 2
"""Exit code if a setting is missing or wrong."""
EXIT_BUNDLE = 3
"""Exit code if a bundle is missing or bad."""
_log = logging.getLogger(__name__)


def load_program(
    metrics_folder: str | None = None, workers: int | None = None, role: str | None = None, models: str | None = None
) -> tuple[Settings, Program]:
    """Read the settings, build the program, and verify and load its models.

    Args:
        metrics_folder: Folder in which workers share their metrics; empty if there is none, None outside a worker.
        workers: Overrides the setting WORKERS.
        role: Overrides the setting ROLE.
        models: Overrides the setting MODELS: a worker serves the models that its supervisor found at the start.

    Returns:
        The settings, and a program that is ready to serve.

    Raises:
        SettingsError: If a setting is missing or wrong.
        BundleError: If a bundle is missing or bad.
    """
    settings = load_settings(workers, role, models)
    configure_logging(settings.log_level)
    is_worker = metrics_folder is not None
    domains = _domains(settings)
    if not is_worker:  # workers use what the supervisor downloaded, so that all of them serve the same bundles
        log_deprecated_names(settings)
        log_readable_secrets(settings)
        domains = fetch_models(settings, domains)
        served = {name for domain in domains for name in domain.models}
        if omitted := sorted({name for domain in discover() for name in domain.models} - served):
            _log.info("models that are not served: %s", ", ".join(omitted))
    metrics = _metrics(settings, metrics_folder)
    count_dropped_lines(metrics)
    audit = Audit(settings.audit_path)
    audit.check()
    program = build(settings, domains, metrics)
    load_active(program.manager, is_worker)
    if not is_worker:
        audit.note(user(), "service.start", Change(after=changed_settings(settings), target=__version__))
    return settings, program


def load_program_or_exit(
    metrics_folder: str | None = None, workers: int | None = None, role: str | None = None, models: str | None = None
) -> tuple[Settings, Program]:
    """As `load_program`, for entry points.

    Raises:
        SystemExit: 2 if a setting is missing or wrong, 3 if a bundle is missing or bad; stderr has the reason.
    """
    try:
        return load_program(metrics_folder, workers, role, models)
    except SettingsError as error:
        exit_with(f"Settings: {error}", EXIT_SETTINGS)
    except BundleError as error:
        exit_with(f"Bundle: {error}", EXIT_BUNDLE)


def exit_with(message: str, code: int) -> NoReturn:
    """Print a message to stderr and exit."""
    with suppress(OSError):  # stderr may be closed or full; the exit code still reports the failure
        print(message, file=sys.stderr, flush=True)
    raise SystemExit(code)


def _domains(settings: Settings) -> list[type[DomainApi]]:
    """Return the domains to serve: those of MODELS, else those with a folder of bundles."""
    if settings.models:
        return select(discover(), settings.models)
    return discover() if is_remote(settings) else present(discover(), models_root(settings))


def _metrics(settings: Settings, folder: str | None) -> Registry:
    if folder is None and settings.workers > 1:
        try:
            folder = str(make_folder())
        except OSError as error:
            _log.error("the metrics of the workers are off: cannot create a temporary folder: %s", error.strerror)
    metrics = Registry(
        Path(folder) if folder else None, is_off=not folder and (folder is not None or settings.workers > 1)
    )
    atexit.register(metrics.leave)  # runs after a failed start as well, and under any ASGI server
    return metrics
