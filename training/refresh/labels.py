"""Makes rows of the labels that the service received: beers with their bitterness, stated or measured."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.bundle.manifest import CleaningStep
from app.domains.beer.cleaning import IBU_HIGH, IBU_LOW
from app.domains.beer.inputs import BeerInput
from app.labels.label import Label
from training.arrays import Array
from training.spec import Spec

_DESCRIPTIONS = {
    "label_without_inputs": "the label has neither a beer nor a record of its request",
    "label_incomplete": "the inputs lack some of the model's",
    "label_ibu_out_of_range": f"IBU outside {IBU_LOW:g}-{IBU_HIGH:g}",
    "label_input_out_of_range": "a required input is missing or outside the range that cleaning keeps",
    "label_repeated": "a later label of the same beer and kind: it counts",
    "label_other_kind": "of a kind that is not trained on",
    "label_also_measured": "the beer was measured, too: that label counts",
    "label_in_data": "the beer is in the data, whose IBU counts",
}


@dataclass(frozen=True)
class LabelRows:
    """Labels as rows of a model."""

    inputs: Array
    """Declared inputs, shape (n_labels, n_inputs)."""
    ibu: Array
    """shape (n_labels,), IBU."""
    kinds: tuple[str, ...]
    read: int
    """Labels read."""
    dropped: tuple[tuple[str, int], ...] = ()
    """Labels left out, by reason, in order."""

    def where(self, rows: npt.NDArray[np.bool_], reason: str) -> "LabelRows":
        """Select rows; the others are counted as dropped for a reason."""
        lost = int((~rows).sum())
        kinds = tuple(kind for kind, kept in zip(self.kinds, rows, strict=True) if kept)
        dropped = (*self.dropped, (reason, lost)) if lost else self.dropped
        return LabelRows(self.inputs[rows], self.ibu[rows], kinds, self.read, dropped)

    def of_kinds(self, kinds: Collection[str]) -> "LabelRows":
        """Select labels by kind; of a beer that is labelled in several of these kinds, the measured label."""
        found = self.where(np.array([kind in kinds for kind in self.kinds], bool), "label_other_kind")
        beers = [row.tobytes() for row in found.inputs]
        measured = {beer for beer, kind in zip(beers, found.kinds, strict=True) if kind == "measured"}
        kept = [kind == "measured" or beer not in measured for beer, kind in zip(beers, found.kinds, strict=True)]
        return found.where(np.array(kept, bool), "label_also_measured")

    def steps(self, before: int) -> list[CleaningStep]:
        """Return what was dropped as steps for the manifest.

        Args:
            before: Rows before the first step.
        """
        steps = []
        for reason, count in self.dropped:
            steps.append(
                CleaningStep(
                    rule=reason,
                    description=_DESCRIPTIONS[reason],
                    action="dropped",
                    rows_before=before,
                    rows_affected=count,
                    rows_after=before - count,
                )
            )
            before -= count
        return steps


def no_labels(spec: Spec) -> LabelRows:
    """Return no rows."""
    return LabelRows(np.empty((0, len(spec.inputs)), np.float32), np.empty(0, np.float32), (), 0)


def label_rows(spec: Spec, labels: Iterable[Label]) -> LabelRows:
    """Make rows of labels, whichever model answered: what counts is that all inputs of this model are there.

    Args:
        spec: The model.
        labels: The labels, the earliest first. Of several for one beer and kind the latest counts.
    """
    found: dict[tuple[bytes, str], tuple[Array, float]] = {}
    dropped: Counter[str] = Counter()
    read = 0
    for label in labels:
        read += 1
        fault, row = _row(spec.inputs, label)
        if row is None:
            dropped[fault] += 1
            continue
        key = row.tobytes(), label.kind
        dropped["label_repeated"] += found.pop(key, None) is not None
        found[key] = row, label.ibu
    rows = no_labels(spec)
    inputs = np.array([row for row, _ in found.values()], np.float32).reshape(-1, len(spec.inputs))
    counted = tuple((reason, dropped[reason]) for reason in _DESCRIPTIONS if dropped[reason])
    ibu = np.array([ibu for _, ibu in found.values()], np.float32) if found else rows.ibu
    return LabelRows(inputs, ibu, tuple(kind for _, kind in found), read, counted)


def _row(inputs: Sequence[BeerInput], label: Label) -> tuple[str, Array | None]:
    given = label.inputs
    if given is None:
        return "label_without_inputs", None
    if any(column.name not in given for column in inputs):
        return "label_incomplete", None
    row = np.array([given[column.name] for column in inputs], np.float32)
    for place, column in enumerate(inputs):
        low, high = column.clean_range or (column.low, column.high)
        if not (low <= row[place] <= high):
            if not column.optional:
                return "label_input_out_of_range", None
            row[place] = np.nan
    if not IBU_LOW <= label.ibu <= IBU_HIGH:
        return "label_ibu_out_of_range", None
    return "", row
