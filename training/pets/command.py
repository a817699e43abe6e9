"""The command ``python -m training pets``: cat or dog, by a pretrained backbone or a small network of our own."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from training.commands import log
from training.errors import TrainingError
from training.pets.bundle import NAME, Made, write
from training.pets.photos import Photo, of_part, read_photos
from training.trainer import next_version


def train_pets(words: Sequence[str]) -> int:
    """Train a model that tells cats from dogs, and write its bundle."""
    parser = argparse.ArgumentParser(prog="python -m training pets", description=train_pets.__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="folder with cat/, dog/ and perhaps manifest.csv")
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--backbone", type=Path, help="ONNX file whose features are used as they are; docs/pets.md")
    way.add_argument("--teacher", type=Path, help="ONNX file that a small network of our own learns from")
    parser.add_argument("--out", type=Path, default=Path("models"), help="folder of bundles (default: %(default)s)")
    parser.add_argument(
        "--state",
        type=Path,
        default=Path("build/pets"),
        help="folder from which an interrupted run goes on (default: %(default)s)",
    )
    parser.add_argument("--epochs", type=int, help="views of every photo that the small network sees")
    parser.add_argument("--seed", type=int, default=0, help="(default: %(default)s)")
    given = parser.parse_args(words)
    photos = read_photos(given.photos)
    log(f"{len(photos)} photos read")
    if given.backbone:
        from training.pets.backbone import build  # what only this way needs

        made, used = build(photos, given.backbone, given.seed, log), len(photos)
    else:
        made, used = _taught(photos, given), len(of_part(photos, "train"))
    folder = write(made, photos, used, given.out, next_version(given.out, NAME))
    print((folder / "MODEL_CARD.md").read_text("utf-8"))
    print(folder, flush=True)
    return 0


COMMAND = train_pets
"""What `python -m training pets` runs."""


def _taught(photos: Sequence[Photo], given: argparse.Namespace) -> Made:
    try:
        from training.pets import learn, taught  # PyTorch is installed for this alone
    except ModuleNotFoundError as error:
        raise TrainingError(f"{error.name} is not installed; see requirements/train-pets.txt") from None
    from training.pets.lessons import Nobody, Plan
    from training.pets.teacher import Teacher

    guide = Teacher(given.teacher) if given.teacher else Nobody()
    course = learn.Course(seed=given.seed)
    course = course._replace(epochs=given.epochs or course.epochs)
    given.state.mkdir(parents=True, exist_ok=True)
    return taught.teach(photos, guide, taught.Taught(Plan(128, seed=given.seed), course, given.state), log)
