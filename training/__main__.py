"""The command line: ``python -m training --data PATH`` trains; ``python -m training select --data PATH`` chooses."""

import argparse
import re
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from app.errors import BundleError
from training.beer.catalogue import SPECS
from training.card import baseline_table, table
from training.errors import TrainingError
from training.evaluate import Protocol
from training.manifest import metrics
from training.run import next_version, prepare, refuse_existing, train, write
from training.selection import REPEATS, select, write_defaults
from training.sources import read_recipes

DEFAULTS = Path(__file__).parent / "beer" / "defaults.json"
TERMINATED = 128 + signal.SIGTERM


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: As on the command line.

    Returns:
        Exit code: 0 done, 1 the data or the model is not fit, 2 wrong arguments.
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


def _train(words: Sequence[str]) -> int:
    """Train and write a bundle."""
    parser = _parser("train", out=Path("models"), repeats=Protocol().repeats)
    parser.add_argument("--version", type=_version, help="version to write; the next free one if not given")
    given = parser.parse_args(words)
    spec = SPECS[given.model]
    if given.version:
        refuse_existing(given.out, spec.name, given.version)
    recipes = read_recipes(given.data)
    _say(f"{recipes.source}: {len(recipes.beers)} beers read")
    trained = train(spec, recipes, Protocol(repeats=given.repeats, seed=given.seed, workers=given.workers), say=_say)
    folder = write(trained, given.out, given.version or next_version(given.out, spec.name))
    values = metrics(trained)
    print(baseline_table(values))
    print(f"\ninterval: coverage {values['coverage']:.3f}, in the top fifth {values['coverage_top_fifth']:.3f}, "
          f"mean width {values['width']:.1f} IBU")
    print("\nLEAKING (row-wise folds, labels below 1000; historical figure 33.54), RMSE:")
    print(table(["", "RMSE"], [[name, f"{value:.2f}"] for name, value in trained.leaking_rmse.items()]))
    print(f"\n{folder}")
    return 0


def _select(words: Sequence[str]) -> int:
    """Choose the defaults by nested search and write them."""
    given = _parser("select", out=DEFAULTS, repeats=REPEATS).parse_args(words)
    spec = SPECS[given.model]
    data = prepare(spec, read_recipes(given.data).beers)
    choice = select(spec, data, given.seed, given.workers, given.repeats)
    for name, mae in choice.note["candidates"].items():
        print(f"{mae:8.3f}  {name}{'   <- chosen' if name == choice.name else ''}")
    print(f"nested, the choice included: MAE {choice.note['nested']['mae']:.2f}")
    write_defaults(given.out, choice, f"python -m training select --data {Path(given.data).name} --seed {given.seed}")
    print(given.out)
    return 0


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def _parser(command: str, out: Path, repeats: int) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m training {command}", description=__doc__)
    parser.add_argument("--data", required=True, help="file (.json, .jsonl, .csv), folder, or http(s) address")
    parser.add_argument("--out", type=Path, default=out, help="where the result goes (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed of folds and samples (default: %(default)s)")
    parser.add_argument("--model", choices=sorted(SPECS), default=next(iter(SPECS)), help="(default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=repeats, help="repeats of the folds (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="processes; figures do not depend on it")
    return parser


def _version(text: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]{0,8}", text):
        raise argparse.ArgumentTypeError("a version is a whole number from 1 on")
    return text


COMMANDS = {"train": _train, "select": _select}

if __name__ == "__main__":
    sys.exit(main())
