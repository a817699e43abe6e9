"""Determines which of the available rows a version was trained on."""

from collections.abc import Sequence

import numpy as np

from app.bundle.store import Bundle
from training.arrays import Groups
from training.refresh.contest import Known, Mask
from training.sources import RecipeDataset
from training.spec import Data, Spec
from training.spec_trainer import prepare
from training.trained_on import TrainedOn


def known_rows(spec: Spec, data: Data, sources: Sequence[RecipeDataset], bundle: Bundle) -> Known:
    """Find the rows that a version was trained on.

    The bundle lists digests of its beers. One of an earlier program does not; then a source must have the digest of
    its training data.

    Args:
        spec: The model.
        data: The rows.
        sources: The sources, before they were merged.
        bundle: The version.

    Raises:
        BundleError: If the bundle's list is invalid.
    """
    listed, how = TrainedOn.read(bundle), "the bundle lists digests of its beers"
    if listed is None:
        same = [source for source in sources if source.sha256 == bundle.manifest.training_data.sha256]
        if not same:
            nothing = np.zeros(len(data.labels), bool)
            how = "the bundle does not list its beers, and none of the sources has the digest of its training data"
            return Known(nothing, ~nothing, 0.0, how, None)
        listed = TrainedOn.of(spec, prepare(spec, same[0].recipes))
        how = f"{same[0].source} has the digest of its training data"
    trained = listed.includes(data)
    at_hand = TrainedOn.of(spec, data).rows & listed.rows
    seen = _with_groups(data.groups, trained | listed.relates(spec, data.inputs))
    return Known(trained, seen, len(at_hand) / max(len(listed.rows), 1), how, listed)


def _with_groups(groups: Groups, rows: Mask) -> Mask:
    """Whole groups of related beers that have one of these rows."""
    found: Mask = np.isin(groups, np.unique(groups[rows]))
    return found
