"""Simulated weeks: rows drawn from training data, with variants of recipes as brewers try them, and planted shifts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from app.bundle.manifest import Manifest
from app.drift.recipes import one_of_each
from app.drift.samples import ONE_BREWER, REPEATS, TRIES, Sample
from app.drift.variables import Count, Variable, variables_of

WEEK = 7 * 24 * 3600.0
FEWEST, MOST = 20, 5000
"""Rows of a week, log-uniformly distributed; the variants of the busy brewer are added."""
ONCE = 0.7
"""Share of the recipes that are asked about once; the others 6 times on average."""
MORE = 0.2
BUSY = 200
"""Tries of the one brewer who tries all week."""
IN_A_SESSION = 60
BETWEEN_TRIES = 90.0
"""Mean seconds between two tries."""
CHANGE = 0.1
"""Standard deviation of the logarithm of the factor by which a try changes a part of the recipe."""
COMMON = 0.05
"""Share of the rows from which a value counts as a common one, such as 0 or a pH of 4.4, and is not varied."""

_Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Week:
    """Rows of a week, in the order in which they were asked."""

    inputs: _Array
    answers: _Array
    times: _Array
    recipes: int
    """Number of recipes that were drawn."""


class World:
    """Brewers whose beers are distributed as the training data are."""

    def __init__(self, manifest: Manifest, rows: _Array, answers: dict[str, _Array]) -> None:
        """Prepare to draw.

        Args:
            manifest: Of the version.
            rows: The rows trained on, shape (n_rows, n_inputs).
            answers: The version's answers to them, each of shape (n_rows,).
        """
        self.manifest, self.rows = manifest, rows.astype(np.float32)
        self.variables = variables_of(manifest)
        self._answers = np.array([answers[one.name] for one in self.variables if one.kind == "answer"], np.float32).T
        self.names = [declared.name for declared in manifest.inputs]
        together = np.concatenate([self.rows, self._answers], axis=1)
        self._spans = np.stack([_below(one, column) for one, column in zip(self._columns(), together.T, strict=True)])
        groups = manifest.explanation.groups if manifest.explanation else ()
        self._parts = [[self.names.index(name) for name in group.inputs if name != "ph"] for group in groups]
        self._parts = [part for part in self._parts if part]  # pH is measured, not chosen
        self._hops = [i for i, name in enumerate(self.names) if name.startswith(("hops", "alpha", "iso"))]
        self._isomerised = [i for i, name in enumerate(self.names) if name.startswith("iso")]
        self._gravities = [i for i, declared in enumerate(manifest.inputs) if declared.unit == "points"]
        self._parts += [self._hops] if self._hops else []

    def _columns(self) -> list[Variable]:
        by_name = {(one.kind, one.name): one for one in self.variables}
        inputs = [by_name["input", name] for name in self.names]
        return [*inputs, *(one for one in self.variables if one.kind == "answer")]

    def draw(self, count: int, random: np.random.Generator) -> tuple[_Array, _Array]:
        """Draw recipes: rows trained on, their uncommon values varied without leaving their bins.

        Returns:
            Inputs and answers, shape (count, n_inputs) and (count, n_answers).
        """
        chosen = random.integers(0, len(self.rows), count)
        together = np.concatenate([self.rows[chosen], self._answers[chosen]], axis=1)
        varied = together - self._spans.T[chosen] * random.uniform(0, 0.99, together.shape)
        varied = varied.astype(np.float32)
        return varied[:, : len(self.names)], varied[:, len(self.names) :]

    def week(self, count: int, busy: bool, random: np.random.Generator) -> Week:
        """Simulate a week.

        Args:
            count: Number of rows.
            busy: Whether one more brewer tries 200 variants of one recipe.
            random: Source of random numbers.
        """
        tries: list[int] = []
        while sum(tries) < count:
            tries.append(1 if random.random() < ONCE else 1 + int(random.geometric(MORE)))
        tries[-1] -= sum(tries) - count
        tries += [BUSY] if busy else []
        bases, answers = self.draw(len(tries), random)
        inputs, outputs, times = [], [], []
        for base, answer, number in zip(bases, answers, tries, strict=True):
            rows, factors = self._tries(base, number, random)
            inputs.append(rows)
            outputs.append(answer * factors[:, None])
            times.append(_times(number, random))
        order = np.argsort(np.concatenate(times), kind="stable")
        return Week(
            np.concatenate(inputs)[order].astype(np.float32),
            np.concatenate(outputs)[order].astype(np.float32),
            np.concatenate(times)[order],
            len(tries),
        )

    def _tries(self, base: _Array, number: int, random: np.random.Generator) -> tuple[_Array, _Array]:
        """Variants of a recipe, each changed a little from the one before in one of its parts."""
        rows, factors = np.tile(base, (number, 1)), np.ones(number)
        for index in range(1, number):
            rows[index], part = rows[index - 1], self._parts[random.integers(len(self._parts))]
            factor = float(np.exp(random.normal(0, CHANGE)))
            changed = [*part, *(self._isomerised if set(part) & set(self._gravities) else [])]
            for column in changed:
                if column in self._gravities:
                    rows[index, column] = np.rint((rows[index, column] - 1000) * factor + 1000)
                elif rows[index, column] not in (0, 1):
                    rows[index, column] *= factor
            factors[index] = factors[index - 1] * np.exp(random.normal(0, CHANGE))
        return rows, factors

    def recorded(self, week: Week) -> Sample:
        """Return what ``python -m app drift`` makes of the records of a week."""
        chosen = one_of_each(week.inputs, week.times)
        return self.sample(week.inputs[chosen], week.answers[chosen], len(week.inputs))

    def sample(self, inputs: _Array, answers: _Array, rows: int) -> Sample:
        """Return a sample of recipes."""
        columns = zip(self._columns(), (*inputs.T, *answers.T), strict=True)
        counts = tuple((variable, variable.count(values)) for variable, values in columns)
        return Sample(self.manifest.name, self.manifest.version, rows, len(inputs), counts, ONE_BREWER)

    def counted(self, week: Week) -> Sample:
        """Return what ``python -m app drift --url`` makes of the counters of a week."""
        counts = tuple(
            (one, Count(np.rint(count.bins / REPEATS).astype(np.int64), round(count.missing / REPEATS)))
            for one, count in self.sample(week.inputs, week.answers, len(week.inputs)).counts
        )
        rows = len(week.inputs)
        return Sample(self.manifest.name, self.manifest.version, rows, rows // REPEATS, counts, TRIES // REPEATS)


Shift = Callable[[_Array, np.random.Generator], _Array]
"""Changes the values of an input, shape (n_rows,)."""


def _below(variable: Variable, values: _Array) -> _Array:
    """How far each value may be lowered without leaving its bin or passing the next value below; shape (n_rows,)."""
    known, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    common = set(known[counts >= COMMON * len(values)].tolist())
    bounds = np.array(variable.bounds, np.float32)
    room = np.zeros(len(values))
    for index, value in enumerate(values):
        if np.isnan(value) or float(value) in common:
            continue
        lower = [*known[known < value][-1:], *bounds[bounds < value][-1:]]
        room[index] = value - max(lower) if lower else 0.0
    return room


def _times(number: int, random: np.random.Generator) -> _Array:
    """Times of the tries of one brewer: sessions of up to 60 tries, on one evening or several."""
    sessions = -(-number // IN_A_SESSION)
    starts = np.sort(random.uniform(0, WEEK, sessions))
    return np.concatenate(
        [
            start + np.cumsum(random.exponential(BETWEEN_TRIES, min(IN_A_SESSION, number - IN_A_SESSION * index)))
            for index, start in enumerate(starts)
        ]
    )
