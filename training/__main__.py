"""The command line: ``python -m training --data PATH`` trains; ``select``, ``ablate``, ``evaluate``, ``compare``."""

import signal
import sys
from collections.abc import Sequence
from types import FrameType

from app.errors import BundleError
from training.commands import ablate_model, select_defaults, train_models
from training.errors import TrainingError
from training.judging import compare_bundles, evaluate_bundle

COMMANDS = {"train": train_models, "select": select_defaults, "ablate": ablate_model, "evaluate": evaluate_bundle,
            "compare": compare_bundles}
TERMINATED = 128 + signal.SIGTERM


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: As on the command line; ``train`` where they open with no command.

    Returns:
        Exit code: 0 done, 1 the data or the model is not fit or the second bundle is worse, 2 wrong arguments.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    command = words.pop(0) if words and words[0] in COMMANDS else "train"
    signal.signal(signal.SIGTERM, _stop)
    try:
        return COMMANDS[command](words)
    except (TrainingError, BundleError) as error:
        print(f"training: {error}", file=sys.stderr)
        return 1


def _stop(number: int, frame: FrameType | None) -> None:
    """SIGTERM as an exception, so that what is half-written is removed and processes are ended on the way out."""
    raise SystemExit(TERMINATED)


if __name__ == "__main__":
    sys.exit(main())
