"""What a bundle was trained on: digests of its beers, by which a later run recognizes new beers."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from app.bundle.store import Bundle
from app.domains.beer.inputs import ABV, FG, OG
from app.errors import BundleError
from training.arrays import Array
from training.spec import Data, Spec, named

TRAINED_ON = "trained_on.txt"
"""The file of a bundle."""
_HEADER = "beers trained on: digests of rows (r) and of what relates beers (v: vital figures, h: hop bill)\n"
_DIGITS = 16
_VITALS = (ABV.name, OG.name, FG.name)
_BILL = ("hops_", "alpha_")

Rows = npt.NDArray[np.bool_]
"""One for each row."""


@dataclass(frozen=True)
class TrainedOn:
    """Digests of beers, which show whether a given beer is among them.

    They do not protect the beers: anyone who guesses a beer's figures can confirm the guess.
    """

    rows: frozenset[str]
    """Whole beers: all inputs and the label."""
    relations: frozenset[str]
    """What relates beers to each other: equal alcohol and gravities, or equal hop bills."""

    @classmethod
    def of(cls, spec: Spec, data: Data) -> Self:
        """Build the digests of rows.

        Args:
            spec: The model.
            data: The rows.
        """
        of_rows = relations(spec, data.inputs)
        return cls(frozenset(row_digests(data)), frozenset(digest for found in of_rows for digest in found))

    @classmethod
    def read(cls, bundle: Bundle) -> Self | None:
        """Read a bundle's digests; None if it has none, as bundles of earlier programs.

        Raises:
            BundleError: If the file is invalid.
        """
        data = bundle.files.get(TRAINED_ON)
        if data is None:
            return None
        text = data.decode("ascii", "replace")
        lines = text.removeprefix(_HEADER).splitlines()
        if not text.startswith(_HEADER) or any(len(line) != _DIGITS + 2 for line in lines):
            raise BundleError(f"{bundle.folder}: {TRAINED_ON} is not a list of digests")
        rows = {line[2:] for line in lines if line.startswith("r ")}
        return cls(frozenset(rows), frozenset(f"{line[0]} {line[2:]}" for line in lines if line[0] != "r"))

    def to_bytes(self) -> bytes:
        """Return the contents of the file: a line for each digest, sorted."""
        lines = sorted([*(f"r {digest}" for digest in self.rows), *self.relations])
        return (_HEADER + "".join(f"{line}\n" for line in lines)).encode("ascii")

    def includes(self, data: Data) -> Rows:
        """Return which rows are among the beers, by inputs and label, shape (n_rows,)."""
        return np.array([digest in self.rows for digest in row_digests(data)], bool)

    def relates(self, spec: Spec, inputs: Array) -> Rows:
        """Return which rows are related to one of the beers.

        Args:
            spec: The model.
            inputs: Declared inputs, shape (n_rows, n_inputs).

        Returns:
            shape (n_rows,).
        """
        return np.array([not self.relations.isdisjoint(found) for found in relations(spec, inputs)], bool)


def row_digests(data: Data) -> list[str]:
    """Return the digest of each row's inputs and label."""
    return [_digest((*row, label)) for row, label in zip(data.inputs, data.labels, strict=True)]


def beer_digests(inputs: Array) -> list[str]:
    """Return the digest of each row's inputs."""
    return [_digest(row) for row in inputs]


def relations(spec: Spec, inputs: Array) -> list[list[str]]:
    """Return the digests by which a row is related to others, as `training.groups.related` relates recipes.

    The hop bill counts by weight and alpha acid at each time, as rows do not have the names of the varieties.

    Args:
        spec: The model.
        inputs: Declared inputs, shape (n_rows, n_inputs).

    Returns:
        For each row the digest of its alcohol and gravities, if all are known, and of its hop bill, if it has one.
    """
    columns = named(spec, inputs)
    vitals = np.column_stack([columns[name] for name in _VITALS])
    hops = [values for name, values in columns.items() if name.startswith(_BILL)]
    bills = np.column_stack(hops) if hops else np.zeros((len(inputs), 0), np.float32)
    found: list[list[str]] = []
    for figures, bill in zip(vitals, bills, strict=True):
        of_row = [] if np.isnan(figures).any() else [f"v {_digest(figures)}"]
        found.append([*of_row, f"h {_digest(bill)}"] if (bill > 0).any() else of_row)
    return found


def _digest(values: Iterable[np.float32]) -> str:
    """Digest numbers to six significant digits, so that the last bits of a float32 do not matter."""
    text = ",".join(f"{float(value) + 0.0:.6g}" for value in values)
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:_DIGITS]
