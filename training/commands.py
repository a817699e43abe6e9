"""The commands that train: ``train``, ``select`` and ``ablate``."""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from training.ablation import ablate
from training.beer.catalogue import SPECS
from training.beer.style import STYLE
from training.card import table
from training.errors import DataError
from training.evaluate import EvaluationProtocol
from training.release import add_provenance_options, add_release_options, release
from training.selection import REPEATS, select, write_defaults
from training.sources import RecipeDataset, add_styles, read_recipes
from training.spec import Spec, known_data
from training.spec_card import ablation_table, baseline_sentence, baseline_table, interval_sentence
from training.spec_trainer import SpecTrainer, prepare
from training.trainer import refuse_existing

MODEL_HELP = "model (default: %(default)s)"
DEFAULTS = Path(__file__).parent / "beer"


def train_models(arguments: Sequence[str]) -> int:
    """Train the models for which the data suffice, and write their bundles."""
    parser = command("train", train_models)
    add_provenance_options(parser)
    add_release_options(parser)
    parser.add_argument("--model", choices=sorted(SPECS), help="model to train (default: all)")
    parser.add_argument("--version", type=version, help="version to write (default: the next free one)")
    _add_folds(parser, EvaluationProtocol().repeats)
    options = parser.parse_args(arguments)
    specs = [SPECS[options.model]] if options.model else list(SPECS.values())
    for spec in specs:
        if options.version:
            refuse_existing(options.out, spec.name, options.version)
    dataset = read_data(options)
    styled = dataset_of(STYLE, dataset, options)
    done = [_train_one(spec, styled if spec.name == STYLE.name else dataset, options) for spec in specs]
    return 0 if True in done and False not in done else 1


def _train_one(spec: Spec, dataset: RecipeDataset, options: argparse.Namespace) -> bool | None:
    """Train a model; return whether it is active if that is asked for, and None if it cannot be trained."""
    log(f"{spec.name}:")
    trainer = SpecTrainer(spec, dataset, _protocol(options), log=log)
    trainer.origin, trainer.licence = options.source, options.licence
    try:
        run = trainer.run()
    except DataError as error:
        if options.model:
            raise
        log(f"{spec.name}: not trained: {error}")
        return None
    values = run.figures.values()
    print(f"{baseline_table(values)}\n\n{baseline_sentence(values)}\n\n{interval_sentence(values)}")
    known = known_data(spec, dataset.sha256)
    if known and run.figures.leaking_rmse:
        print(f"\nLEAKING (row-wise folds, labels below 1000; historical figure {known.older_rmse:g}), RMSE:")
        print(table(["", "RMSE"], [[name, f"{value:.2f}"] for name, value in run.figures.leaking_rmse.items()]))
    sys.stdout.flush()
    folder, done = release(trainer, run, options, options.version)
    print(f"\n{folder}\n", flush=True)
    return done


def select_defaults(arguments: Sequence[str]) -> int:
    """Choose a model's defaults by nested search and write them."""
    parser = command("select", select_defaults)
    parser.add_argument("--out", type=Path, help="file to write (default: the model's own)")
    parser.add_argument(
        "--model", choices=sorted(SPECS), default=next(iter(SPECS)), help="model (default: %(default)s)"
    )
    _add_folds(parser, REPEATS)
    options = parser.parse_args(arguments)
    spec = SPECS[options.model]
    out = options.out or DEFAULTS / f"{spec.name}.json"
    dataset = dataset_of(spec, read_data(options), options)
    data = prepare(spec, dataset.recipes)
    choice = select(spec, data, options.seed, options.workers, options.repeats)
    for name, mae in choice.note["candidates"].items():
        print(f"{mae:8.3f}  {name}{'   <- chosen' if name == choice.name else ''}")
    styles = f" --styles {options.styles.name}" if options.styles else ""
    print(f"nested, the choice included: MAE {choice.note['nested']['mae']:.2f}")
    write_defaults(
        out,
        choice,
        f"python -m training select --model {spec.name} --data {Path(options.data).name}{styles} --seed {options.seed}",
        dataset.sha256,
    )
    print(out)
    return 0


def ablate_model(arguments: Sequence[str]) -> int:
    """Measure variants of a model on the reported folds."""
    parser = command("ablate", ablate_model)
    parser.add_argument(
        "--model",
        choices=[name for name, spec in SPECS.items() if spec.ablation],
        default="beer-ibu-recipe",
        help=MODEL_HELP,
    )
    _add_folds(parser, EvaluationProtocol().repeats)
    options = parser.parse_args(arguments)
    spec = SPECS[options.model]
    print(
        ablation_table(
            ablate(spec, prepare(spec, dataset_of(spec, read_data(options), options).recipes), _protocol(options))
        )
    )
    return 0


def command(name: str, function: object) -> argparse.ArgumentParser:
    """Return a command's parser, with the argument that all commands take.

    Args:
        name: The command.
        function: The command's function; its docstring is the description.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m training {name}",
        description=function.__doc__,
        epilog="Other commands: python -m training --help",
    )
    parser.add_argument(
        "--data",
        required=True,
        help="file (JSON or CSV: docs/files.md), folder, s3:// or http(s) address",
    )
    parser.add_argument("--s3-endpoint", default="", metavar="URL", help="S3-compatible store (default: AWS)")
    parser.add_argument(
        "--styles",
        type=Path,
        help="CSV with the columns id and style_id: the styles, for the style model, of recipes that do not state them",
    )
    return parser


def read_data(options: argparse.Namespace) -> RecipeDataset:
    """Read the recipes that a command's options name, and say how many there are.

    Args:
        options: Options of a command.

    Raises:
        SourceError: If the recipes cannot be read or are malformed.
    """
    dataset = read_recipes(options.data, options.s3_endpoint)
    if dataset.note:
        log(f"{dataset.source}: {dataset.note}")
    log(f"{dataset.source}: {len(dataset.recipes)} beers read")
    return dataset


def dataset_of(spec: Spec, dataset: RecipeDataset, options: argparse.Namespace) -> RecipeDataset:
    """Return the recipes that a model reads: for the style model, with the styles of ``--styles``.

    Args:
        spec: The model.
        dataset: The recipes.
        options: Options of a command.

    Raises:
        SourceError: If the file of styles cannot be read.
    """
    return add_styles(dataset, options.styles) if options.styles and spec.name == STYLE.name else dataset


def log(line: str) -> None:
    """Print a line on stderr; stdout is for figures."""
    print(line, file=sys.stderr)


def _add_folds(parser: argparse.ArgumentParser, repeats: int) -> None:
    parser.add_argument("--seed", type=int, default=0, help="seed of folds and samples (default: %(default)s)")
    parser.add_argument("--repeats", type=int, default=repeats, help="repeats of the folds (default: %(default)s)")
    parser.add_argument(
        "--workers", type=int, default=2, help="processes (default: %(default)s); figures do not depend on it"
    )


def _protocol(options: argparse.Namespace) -> EvaluationProtocol:
    return EvaluationProtocol(repeats=options.repeats, seed=options.seed, workers=options.workers)


def version(text: str) -> str:
    """Return a version that an argument names.

    Raises:
        ArgumentTypeError: If it is none.
    """
    if not re.fullmatch(r"[1-9][0-9]{0,8}", text):
        raise argparse.ArgumentTypeError("a version is a whole number of at least 1")
    return text
