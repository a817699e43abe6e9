"""One training run, from recipe data to a bundle on disk."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from app.bundle.manifest import CARD, MODEL
from app.bundle.store import versions, write_bundle
from app.errors import BundleError
from training.card import card
from training.cleaning import IBU_HIGH, clean, rules
from training.evaluate import Protocol, evaluate, leaking_rmse
from training.export import check_parity, graph_bytes
from training.groups import related
from training.manifest import Trained, manifest
from training.model import fit
from training.sources import Recipe, RecipeDataset
from training.spec import Data, Parameters, Spec

BOOSTER = "model.ubj"
LEAKING_IBU = 1000.0
Say = Callable[[str], None]


def prepare(spec: Spec, beers: tuple[Recipe, ...], ibu_high: float = IBU_HIGH) -> Data:
    """Clean beers and make them rows.

    Args:
        spec: The model.
        beers: As read.
        ibu_high: Largest label kept.

    Raises:
        DataError: No row is left.
    """
    return rows(spec, clean(beers, (*rules(ibu_high=ibu_high), *spec.rules()))[0])


def rows(spec: Spec, frame: pd.DataFrame) -> Data:
    """Rows of cleaned beers.

    Args:
        spec: The model.
        frame: From `training.cleaning.clean`, the spec's own rules among those applied.
    """
    return Data(spec.rows(frame), frame["ibu"].to_numpy(np.float32), related(frame))


def train(
    spec: Spec,
    dataset: RecipeDataset,
    protocol: Protocol,
    parameters: Parameters | None = None,
    say: Say = lambda _: None,
) -> Trained:
    """Clean, evaluate, fit on all rows, export and check.

    Args:
        spec: The model.
        dataset: The data.
        protocol: How to measure; its seed is the run's.
        parameters: How to train; the spec's defaults where none are given.
        say: Told of each step.

    Returns:
        All that the bundle is made of.

    Raises:
        DataError: Too few beers or groups.
        ExportError: The graph is not what the training code is.
    """
    parameters = parameters or spec.defaults
    frame, cleaning = clean(dataset.recipes, (*rules(), *spec.rules()))
    for step in cleaning:
        if step.rows_affected:
            say(f"  {step.rule}: {step.rows_affected} rows {step.action}, {step.rows_after} left: {step.description}")
    data = rows(spec, frame)
    say(f"{len(data.labels)} beers in {len(np.unique(data.groups))} groups")
    evaluation = evaluate(spec, parameters, data, protocol)
    leaking = leaking_rmse(spec, parameters, prepare(spec, dataset.recipes, LEAKING_IBU), protocol.seed)
    model = fit(spec, parameters, data, protocol.seed)
    graph = graph_bytes(model)
    apart = check_parity(model, graph, data.inputs, protocol.seed)
    say(f"graph and training code at most {apart:.1e} IBU apart")
    return Trained(dataset, cleaning, data, model, evaluation, leaking, dict(spec.chosen), protocol.seed, graph)


def next_version(root: Path, name: str) -> str:
    """The next free version of a model: 1 where there is none."""
    return str(max(map(int, versions(root, name)), default=0) + 1)


def write(trained: Trained, root: Path, version: str) -> Path:
    """Write the run's bundle.

    Args:
        trained: The run.
        root: Folder of bundles.
        version: A version that does not exist yet.

    Returns:
        The bundle's folder.

    Raises:
        BundleError: The version exists.
    """
    about = manifest(trained, version)
    ensemble = trained.model.ensemble
    return write_bundle(
        root,
        about,
        {
            MODEL: trained.graph,
            BOOSTER: bytes(ensemble.booster.save_raw("ubj")),
            CARD: card(about, ensemble.spec.prose).encode(),
        },
    )


def refuse_existing(root: Path, name: str, version: str) -> None:
    """Refuse a version that exists before minutes are spent on it.

    Raises:
        BundleError: It exists.
    """
    if (root / name / version).exists():
        raise BundleError(f"{root / name / version}: exists; a version is never overwritten")
