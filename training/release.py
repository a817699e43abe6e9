"""Writing a trained version, and making it the active one: the last step of every training command."""

import argparse
import sys
from pathlib import Path
from typing import TypeVar

from app.bundle.pointer import activate, active_version
from training.trainer import Run, Trainer

DataT = TypeVar("DataT")
ModelT = TypeVar("ModelT")
FiguresT = TypeVar("FiguresT")
MAX_PROVENANCE = 500
"""Maximum length of what the user says of the training data."""
MODELS = Path("models")
"""The folder from which the service reads by default."""


def add_release_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where a new version is written and whether it answers at once.

    Args:
        parser: A training command's parser.
    """
    parser.add_argument("--out", type=Path, default=MODELS, help="folder of bundles (default: %(default)s)")
    parser.add_argument(
        "--activate",
        action="store_true",
        help="make the new version the active one, unless a baseline is better. Without this option a service goes on "
        "with the version that is active; the first version of a model is active in any case",
    )


def add_provenance_options(parser: argparse.ArgumentParser) -> None:
    """Add the options by which the user says what no program can know of the training data.

    Args:
        parser: A training command's parser.
    """
    parser.add_argument(
        "--source",
        type=_line,
        default="",
        metavar="TEXT",
        help="where the training data come from, for the model card and GET /model, such as 'my own brews, 2019-2024'",
    )
    parser.add_argument("--licence", type=_line, default="", metavar="TEXT", help="licence of the training data")


def _line(text: str) -> str:
    line = " ".join(text.split())
    if len(line) > MAX_PROVENANCE:
        raise argparse.ArgumentTypeError(f"more than {MAX_PROVENANCE} characters")
    return line


def release(
    trainer: Trainer[DataT, ModelT, FiguresT],
    run: Run[DataT, ModelT, FiguresT],
    options: argparse.Namespace,
    version: str | None = None,
) -> tuple[Path, bool]:
    """Write a run's bundle, activate it if that is asked for, and say what answers now.

    Args:
        trainer: The trainer.
        run: Its run.
        options: The parsed options of `add_release_options`.
        version: The bundle's version; the next free one by default.

    Returns:
        The bundle's folder, and whether all that was asked for was done.

    Raises:
        BundleError: If the version exists, or the folder cannot be written.
    """
    folder = trainer.write(run, options.out, version)
    name, number = folder.parent.name, folder.name
    faults = trainer.faults(run)
    for fault in faults:
        _say(f"WARNING: {name} {number} {fault}")
    if options.activate and not faults:
        activate(options.out, name, number)
    active = active_version(options.out, name)
    command = f"python -m app models activate {name} {number}"
    if options.out.resolve() != MODELS.resolve():
        command = f"MODEL_URI={options.out} {command}"
    if active == number:
        _say(f"{folder} is active" + ("" if options.activate else ": it is the model's first version"))
    elif options.activate:
        _say(f"{folder} is NOT activated because of the warning. To activate it anyway: {command}")
    else:
        answers = f"version {active} answers" if active else "the model is unloaded"
        _say(f"{folder} is not active: {answers}. Compare the two (`python -m training compare`), then: {command}")
    return folder, active == number or not options.activate


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
