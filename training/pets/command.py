"""The command ``python -m training pets``: trains ``cat-dog``, a small network or a head on a pretrained backbone."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.bundle.manifest import CARD
from training.commands import log
from training.errors import TrainingError
from training.pets.trainer import CatDogTrainer
from training.release import add_provenance_options, add_release_options, release

PICTURE_SIZE = 128
"""Width and height of the small network's pictures, pixels."""


def train_pets(arguments: Sequence[str]) -> int:
    """Train a model that tells cats from dogs, and write its bundle."""
    parser = argparse.ArgumentParser(prog="python -m training pets", description=train_pets.__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="folder with cat/, dog/ and optionally manifest.csv")
    network = parser.add_mutually_exclusive_group()
    network.add_argument("--backbone", type=Path, help="pretrained ONNX file to fit a head to; see docs/pets.md")
    network.add_argument("--teacher", type=Path, help="pretrained ONNX file to distil into the small network")
    parser.add_argument(
        "--network",
        type=Path,
        help="bundle of a small network, which is kept: only what tells pictures of neither is fitted, with --teacher",
    )
    parser.add_argument(
        "--others", type=Path, help="folder of pictures of neither cat nor dog, to measure the small network with"
    )
    parser.add_argument(
        "--drawings",
        type=int,
        default=2000,
        help="drawings to tell pets from, for the small network (default: %(default)s)",
    )
    add_provenance_options(parser)
    add_release_options(parser)
    parser.add_argument(
        "--state",
        type=Path,
        default=Path("build/pets"),
        help="folder from which an interrupted run resumes (default: %(default)s)",
    )
    parser.add_argument("--epochs", type=int, help="epochs of the small network; each uses one crop of every photo")
    parser.add_argument("--seed", type=int, default=0, help="random seed (default: %(default)s)")
    options = parser.parse_args(arguments)
    trainer = _trainer(options)
    trainer.origin, trainer.licence = options.source, options.licence
    run = trainer.run()
    folder, done = release(trainer, run, options)
    print((folder / CARD).read_text("utf-8"))
    print(folder, flush=True)
    return 0 if done else 1


COMMAND = train_pets
"""What ``python -m training pets`` runs."""


def _trainer(options: argparse.Namespace) -> CatDogTrainer[Any]:
    """Choose the trainer; each is imported only if it is used."""
    if options.backbone:
        from training.pets.backbone import BackboneTrainer

        return BackboneTrainer(options.photos, options.backbone, options.seed, log)
    from training.pets.neither import DetectorPlan
    from training.pets.teacher import NoTeacher, OnnxTeacher

    teacher = OnnxTeacher(options.teacher) if options.teacher else NoTeacher()
    detector = DetectorPlan(options.drawings, seed=options.seed)
    if options.network:
        from training.pets.existing_network import ExistingNetworkTrainer

        return ExistingNetworkTrainer(options.photos, teacher, options.network, detector, options.others, log)
    try:
        from training.pets.small_network import SmallNetworkTrainer
        from training.pets.training_loop import TrainingConfig
    except ModuleNotFoundError as error:
        raise TrainingError(f"{error.name} is not installed; see requirements/train-pets.txt") from None
    from training.pets.distillation import CropPlan

    config = TrainingConfig(seed=options.seed)
    config = config._replace(epochs=options.epochs or config.epochs)
    plan = CropPlan(PICTURE_SIZE, seed=options.seed)
    return SmallNetworkTrainer(options.photos, teacher, plan, config, detector, options.state, options.others, log)
