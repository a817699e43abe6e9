"""The bundle of a picture model: its manifest, its card and its plot."""

import json
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from app.bundle.manifest import CARD, MODEL, Golden, Input, Manifest, Metrics, Output, Synthetic, TrainingData
from app.bundle.store import write_bundle
from app.runtime.synthetic import synthetic_rows
from training.pets.card import card
from training.pets.photos import Photo, digest
from training.pets.plot import reliability_png
from training.pets.running import INPUT, run_graph

NAME = "cat-dog"
RELIABILITY = "reliability.png"
GOLDEN = Synthetic(seed="cat-dog", rows=4, cells=8)


class Made(NamedTuple):
    """All that a bundle is made of."""

    graph: bytes
    size: int
    """Pixels on a side."""
    description: str
    outputs: tuple[Output, ...]
    tolerance: float
    """How far golden answers may be from what they were: what another processor rounds otherwise."""
    protocol: str
    values: dict[str, Any]
    parameters: dict[str, Any]
    libraries: Sequence[str]
    prose: Mapping[str, str]
    """What the figures cannot say: the card's parts ``use``, ``misuse``, ``data``, ``faults``."""


PROBABILITIES = Output(
    name="probabilities",
    datatype="FP32",
    shape=(-1, 2),
    unit="",
    description="Of cat and of dog; together 1, whatever the picture shows",
)


def write(made: Made, photos: Sequence[Photo], used: int, root: Path, number: str) -> Path:
    """Write the bundle.

    Args:
        made: What it is made of.
        photos: All that were read.
        used: How many of them were learnt from.
        root: Folder of bundles.
        number: The version.

    Returns:
        The bundle's folder.

    Raises:
        BundleError: The version exists.
    """
    about = manifest(made, photos, used, number)
    values: dict[str, Any] = dict(about.metrics.values)
    return write_bundle(
        root,
        about,
        {
            MODEL: made.graph,
            CARD: card(about, made.prose).encode(),
            RELIABILITY: reliability_png(values["reliability"]),
        },
    )


def manifest(made: Made, photos: Sequence[Photo], used: int, number: str) -> Manifest:
    """What the bundle says of itself; see `write`."""
    image = Input(
        name=INPUT,
        datatype="FP32",
        shape=(-1, made.size, made.size, 3),
        unit="",
        description="RGB, the right way up, the largest square in the middle; pixel / 127 - 1",
    )
    answers = run_graph(made.graph, synthetic_rows(GOLDEN, image.shape))
    outputs = {name: np.round(values.astype(float), 5).tolist() for name, values in answers.items()}
    return Manifest(
        format_version=1,
        name=NAME,
        version=number,
        description=made.description,
        inputs=(image,),
        outputs=made.outputs,
        metrics=Metrics(protocol=made.protocol, values=_rounded(made.values)),
        training_data=TrainingData(
            source="photos of cats and dogs", sha256=digest(photos), rows_read=len(photos), rows_used=used, cleaning=()
        ),
        parameters=made.parameters,
        libraries={"python": platform.python_version(), **{name: version(name) for name in made.libraries}},
        golden=Golden(inputs={INPUT: GOLDEN}, outputs=outputs, tolerance=made.tolerance),
    )


def _rounded(value: dict[str, Any]) -> dict[str, Any]:
    rounded: dict[str, Any] = json.loads(json.dumps(value), parse_float=lambda text: round(float(text), 4))
    return rounded
