"""Trains models and scores bundles: ``python -m training [COMMAND] [ARGUMENTS]``; ``--help`` lists the commands.

A model that is not trained on recipes has its own command: ``python -m training NAME`` runs the constant ``COMMAND`` of
``training/<name>.py`` or of ``training/<name>/command.py``.
"""

import signal
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from types import FrameType

from app.errors import BundleError
from training.bundle_commands import compare_bundles, evaluate_bundle
from training.commands import ablate_model, select_defaults, train_models
from training.errors import TrainingError
from training.overview import OWN, overview, own_commands

COMMANDS = {
    "train": train_models,
    "select": select_defaults,
    "ablate": ablate_model,
    "evaluate": evaluate_bundle,
    "compare": compare_bundles,
}
TERMINATED = 128 + signal.SIGTERM


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: Command-line arguments; ``train`` if the first is not a command.

    Returns:
        Exit code: 0 for success, 1 if the data or the model cannot be used or the second bundle is worse, 2 for wrong
        arguments.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] in (["-h"], ["--help"]):
        print(overview(_summaries()))
        return 0
    command = _command(words[0]) if words else None
    if words and command is None and not words[0].startswith("-"):
        print(f"training: no command {words[0]}; there are {', '.join(_summaries())}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _stop)
    try:
        return command(words[1:]) if command else train_models(words)
    except (TrainingError, BundleError) as error:
        print(f"training: {error}", file=sys.stderr)
        return 1


def _summaries() -> dict[str, str]:
    given = {name: (function.__doc__ or "").partition("\n")[0] for name, function in COMMANDS.items()}
    return {**given, **own_commands()}


def _command(word: str) -> Callable[[Sequence[str]], int] | None:
    if word in COMMANDS or not word.isidentifier():
        return COMMANDS.get(word)
    for name in f"training.{word}", f"training.{word}.command":
        try:
            module = find_spec(name)
        except ModuleNotFoundError:  # no such package
            return None
        if module and not module.submodule_search_locations:
            command: Callable[[Sequence[str]], int] | None = getattr(import_module(name), OWN, None)
            return command
    return None


def _stop(number: int, frame: FrameType | None) -> None:
    """Raise SIGTERM as an exception, so that partial files are removed and worker processes end."""
    raise SystemExit(TERMINATED)


if __name__ == "__main__":
    sys.exit(main())
