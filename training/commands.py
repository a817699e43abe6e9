"""The commands that train: ``train``, ``select`` and ``ablate``."""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from training.ablation import ablate
from training.beer.catalogue import SPECS
from training.card import ablation_table, baseline_table, interval_sentence, table
from training.errors import DataError
from training.evaluate import Protocol
from training.manifest import metrics
from training.run import next_version, prepare, refuse_existing, train, write
from training.selection import REPEATS, select, write_defaults
from training.sources import RecipeDataset, read_recipes
from training.spec import Spec

DEFAULTS = Path(__file__).parent / "beer"


def train_models(words: Sequence[str]) -> int:
    """Train every model that the data can feed, or the one that is named, and write their bundles."""
    parser = command("train", train_models)
    parser.add_argument("--out", type=Path, default=Path("models"), help="folder of bundles (default: %(default)s)")
    parser.add_argument("--model", choices=sorted(SPECS), help="(default: each that the data can feed)")
    parser.add_argument("--version", type=_version, help="version to write; the next free one if not given")
    _add_folds(parser, Protocol().repeats)
    given = parser.parse_args(words)
    specs = [SPECS[given.model]] if given.model else list(SPECS.values())
    for spec in specs:
        if given.version:
            refuse_existing(given.out, spec.name, given.version)
    dataset = read_recipes(given.data)
    say(f"{dataset.source}: {len(dataset.recipes)} beers read")
    written = [spec.name for spec in specs if _train_one(spec, dataset, given)]
    return 0 if written else 1


def _train_one(spec: Spec, dataset: RecipeDataset, given: argparse.Namespace) -> bool:
    say(f"{spec.name}:")
    try:
        trained = train(spec, dataset, _protocol(given), say=say)
    except DataError as error:
        if given.model:
            raise
        say(f"{spec.name}: not trained: {error}")
        return False
    folder = write(trained, given.out, given.version or next_version(given.out, spec.name))
    values = metrics(trained)
    print(f"{baseline_table(values)}\n\n{interval_sentence(values)}")
    print("\nLEAKING (row-wise folds, labels below 1000; historical figure 33.54), RMSE:")
    print(table(["", "RMSE"], [[name, f"{value:.2f}"] for name, value in trained.leaking_rmse.items()]))
    print(f"\n{folder}\n", flush=True)
    return True


def select_defaults(words: Sequence[str]) -> int:
    """Choose a model's defaults by nested search and write them."""
    parser = command("select", select_defaults)
    parser.add_argument("--out", type=Path, help="file to write (default: the model's own)")
    parser.add_argument("--model", choices=sorted(SPECS), default=next(iter(SPECS)), help="(default: %(default)s)")
    _add_folds(parser, REPEATS)
    given = parser.parse_args(words)
    spec = SPECS[given.model]
    out = given.out or DEFAULTS / f"{spec.name}.json"
    data = prepare(spec, read_recipes(given.data).recipes)
    choice = select(spec, data, given.seed, given.workers, given.repeats)
    for name, mae in choice.note["candidates"].items():
        print(f"{mae:8.3f}  {name}{'   <- chosen' if name == choice.name else ''}")
    print(f"nested, the choice included: MAE {choice.note['nested']['mae']:.2f}")
    write_defaults(
        out, choice, f"python -m training select --model {spec.name} --data {Path(given.data).name} --seed {given.seed}"
    )
    print(out)
    return 0


def ablate_model(words: Sequence[str]) -> int:
    """Measure what each part of a model is worth, on the reported folds."""
    parser = command("ablate", ablate_model)
    parser.add_argument(
        "--model",
        choices=[name for name, spec in SPECS.items() if spec.ablation],
        default="beer-ibu-recipe",
        help="(default: %(default)s)",
    )
    _add_folds(parser, Protocol().repeats)
    given = parser.parse_args(words)
    spec = SPECS[given.model]
    print(ablation_table(ablate(spec, prepare(spec, read_recipes(given.data).recipes), _protocol(given))))
    return 0


def command(name: str, does: object) -> argparse.ArgumentParser:
    """A command's parser, with the argument that all commands take.

    Args:
        name: The command.
        does: Its docstring says what it does.
    """
    parser = argparse.ArgumentParser(prog=f"python -m training {name}", description=does.__doc__)
    parser.add_argument("--data", required=True, help="file (.json, .jsonl, .csv), folder, or http(s) address")
    return parser


def say(line: str) -> None:
    """A line on stderr, where it stands between figures for people and not among them."""
    print(line, file=sys.stderr)


def _add_folds(parser: argparse.ArgumentParser, repeats: int) -> None:
    parser.add_argument("--seed", type=int, default=0, help="seed of folds and samples (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=repeats, help="repeats of the folds (default: %(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="processes; figures do not depend on it")


def _protocol(given: argparse.Namespace) -> Protocol:
    return Protocol(repeats=given.repeats, seed=given.seed, workers=given.workers)


def _version(text: str) -> str:
    if not re.fullmatch(r"[1-9][0-9]{0,8}", text):
        raise argparse.ArgumentTypeError("a version is a whole number from 1 on")
    return text
