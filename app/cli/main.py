"""The command ``python -m app``: serves, or runs a subcommand."""

import argparse
import gc
import logging
import sys
from collections.abc import Callable

from app import __version__
from app.composition.program import Program
from app.errors import BundleError, RecordsError, SettingsError
from app.serving.serve import serve
from app.serving.signals import handle_early_signals, restore_signals
from app.settings import create_env_file
from app.startup import EXIT_BUNDLE, EXIT_SETTINGS, exit_with, load_program_or_exit
from app.telemetry.log_writer import install_log_writer

_EXIT_OUTPUT = 1
_EXIT_RECORDS = 4
_log = logging.getLogger(__name__)


def main() -> None:
    """Run the command; the settings and exit codes are in the README."""
    arguments = _arguments()
    if "run" in arguments:
        restore_signals()
        _run(arguments)
        return
    handle_early_signals()
    install_log_writer()
    try:
        created = create_env_file()
    except SettingsError as error:
        exit_with(f"Settings: {error}", EXIT_SETTINGS)
    try:
        settings, program = load_program_or_exit(workers=arguments.workers, role=arguments.role)
    except SystemExit as stop:
        if not stop.code:
            _log.info("stopped by a signal before the start was complete")
        raise
    on_open = _welcome(created, program) if created else None
    if settings.workers > 1:
        from app.serving.supervisor import supervise  # not needed by a single process

        supervise(settings, program, on_open)
    else:
        serve(settings, program, on_open)


def _welcome(key: str, program: Program) -> Callable[[str], None]:
    """Return what to do at the first start once the port is open, given its address."""
    from app.cli.welcome import print_welcome  # not needed by later starts

    return lambda address: print_welcome(address, key, program.rest.has_page)


def _arguments() -> argparse.Namespace:
    if len(sys.argv) == 1:  # the start of a server does not import the subcommands
        return argparse.Namespace(workers=None, role=None)
    from app.cli import drift, keys, models, platform, predict, quality, replay, score, solve, usage

    parser = argparse.ArgumentParser(
        prog="python -m app",
        description="Serve Beer Model. Settings are read from environment variables and the file .env.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--workers", type=int, help="number of worker processes (overrides WORKERS)")
    parser.add_argument(
        "--role",
        choices=("service", "model-server"),
        help="service, or model-server for the models alone (overrides ROLE)",
    )
    commands = parser.add_subparsers(metavar="COMMAND")
    for module in (drift, keys, models, platform, predict, quality, replay, score, solve, usage):
        module.add_commands(commands)
    return parser.parse_args()


def _run(arguments: argparse.Namespace) -> None:
    from app.cli.output import OutputError

    gc.enable()
    try:
        arguments.run(arguments)
    except SettingsError as error:
        exit_with(f"Settings: {error}", EXIT_SETTINGS)
    except BundleError as error:
        exit_with(f"Bundle: {error}", EXIT_BUNDLE)
    except RecordsError as error:
        exit_with(f"Records: {error}", _EXIT_RECORDS)
    except OutputError as error:
        exit_with(f"Output: {error}", _EXIT_OUTPUT)
