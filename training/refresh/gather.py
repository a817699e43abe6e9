"""Makes the rows of a run of merged recipes and labels, and counts the rows read and dropped, with the reasons."""

import hashlib

import numpy as np

from app.bundle.manifest import CleaningStep
from training.arrays import Groups
from training.groups import join
from training.refresh.labels import LabelRows
from training.refresh.merge import Merged
from training.sources import RecipeDataset
from training.spec import Data, Spec
from training.spec_trainer import CleanedRecipes
from training.trained_on import beer_digests, relations


def with_labels(
    spec: Spec, merged: Merged, cleaned: CleanedRecipes, labels: LabelRows
) -> tuple[CleanedRecipes, LabelRows]:
    """Add labels to cleaned recipes.

    A beer that is in the recipes keeps their IBU. Each further beer is a row of the same weight as a recipe.

    Args:
        spec: The model.
        merged: The recipes, before cleaning.
        cleaned: The same, cleaned.
        labels: The labels that are trained on.

    Returns:
        All rows, those of the labels last, and the labels among them.
    """
    of_recipes = set(beer_digests(cleaned.rows.inputs))
    new = np.array([digest not in of_recipes for digest in beer_digests(labels.inputs)], bool)
    labels = labels.where(new, "label_in_data")
    dataset, data, added = merged.dataset, cleaned.rows, len(labels.ibu)
    steps = _steps(merged, cleaned.cleaning, labels)
    if not added:
        return CleanedRecipes(dataset, steps, data, cleaned.kinds), labels
    groups = _groups(spec, data, labels)
    nameless = None if data.nameless is None else np.concatenate([data.nameless, labels.inputs])
    inputs, ibu = np.concatenate([data.inputs, labels.inputs]), np.concatenate([data.labels, labels.ibu])
    digest = hashlib.sha256(f"{dataset.sha256} {beer_digests(inputs)} {ibu.tolist()}".encode()).hexdigest()
    dataset = RecipeDataset(f"{dataset.source} + {added} labels", digest, dataset.recipes)
    kinds = {name: [*found, *[""] * added] for name, found in cleaned.kinds.items()}
    return CleanedRecipes(dataset, steps, Data(inputs, ibu, groups, nameless), kinds), labels


def _groups(spec: Spec, data: Data, labels: LabelRows) -> Groups:
    """Join each label to the recipes and labels with equal gravities and alcohol, or an equal hop bill."""
    of_labels = relations(spec, labels.inputs)
    shared = {digest for found in of_labels for digest in found}
    of_recipes = [
        [int(group), *(digest for digest in found if digest in shared)]
        for group, found in zip(data.groups, relations(spec, data.inputs), strict=True)
    ]
    return join([*of_recipes, *of_labels])


def _steps(merged: Merged, cleaning: tuple[CleaningStep, ...], labels: LabelRows) -> tuple[CleaningStep, ...]:
    """Join the counts of merging, labels and cleaning to one chain; labels pass through the rules of cleaning."""
    if not labels.read and len(merged.sources) == 1:
        return cleaning
    read, added = sum(source.read for source in merged.sources), len(labels.ibu)
    repeated = sum(source.repeated for source in merged.sources)
    steps = [merged.step(labels.read)] if len(merged.sources) > 1 else []
    steps += labels.steps(read - repeated + labels.read)
    return (
        *steps,
        *(
            step.model_copy(update={"rows_before": step.rows_before + added, "rows_after": step.rows_after + added})
            for step in cleaning
        ),
    )
