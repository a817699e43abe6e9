"""The command line: ``python -m training --data PATH`` trains; ``select``, ``ablate``, ``evaluate``, ``compare``.

A model that is not trained on recipes has a command of its own: ``python -m training NAME`` runs `COMMAND` of
``training/<name>.py``, or of ``training/<name>/command.py``; nothing else lists them.
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
        arguments: As on the command line; ``train`` where they open with no command.

    Returns:
        Exit code: 0 done, 1 the data or the model is not fit or the second bundle is worse, 2 wrong arguments.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    command = _command(words[0]) if words else None
    signal.signal(signal.SIGTERM, _stop)
    try:
        return command(words[1:]) if command else train_models(words)
    except (TrainingError, BundleError) as error:
        print(f"training: {error}", file=sys.stderr)
        return 1


def _command(word: str) -> Callable[[Sequence[str]], int] | None:
    if word in COMMANDS or not word.isidentifier():
        return COMMANDS.get(word)
    for name in f"training.{word}", f"training.{word}.command":
        try:
            found = find_spec(name)
        except ModuleNotFoundError:  # there is no such package
            return None
        if found and not found.submodule_search_locations:
            command: Callable[[Sequence[str]], int] | None = getattr(import_module(name), "COMMAND", None)
            return command
    return None


def _stop(number: int, frame: FrameType | None) -> None:
    """SIGTERM as an exception, so that what is half-written is removed and processes are ended on the way out."""
    raise SystemExit(TERMINATED)


if __name__ == "__main__":
    sys.exit(main())
