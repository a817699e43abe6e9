"""A loaded version of a model: its predictor, and everything that is built once per version."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from time import perf_counter
from typing import Protocol, TypeVar

from app.bundle.manifest import Explanation, Manifest
from app.errors import InvalidOutput, ModelNotFound
from app.models.metrics import ModelMetrics
from app.runtime.golden import pack
from app.runtime.predictor import Array, Arrays, Predictor, invalid_output, note_invalid_output
from app.runtime.shapley import Rows, ShapleyExplainer
from app.telemetry.metrics import Registry

T = TypeVar("T")

Prepared = Mapping[type, object]
"""Objects built from a version's manifest, by the type under which they are looked up."""
Prepare = Callable[[Manifest], Prepared]
"""Builds what a version needs in addition to its predictor; called once per loaded version."""


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why a model gave its answer."""

    base_value: float
    """Mean output over the background rows, in the output's unit."""
    contributions: tuple[tuple[str, float], ...]
    """Name and contribution of each group of inputs. ``base_value`` and the contributions add up to the output."""


class Observer(Protocol):
    """Sees the runs of a version that answer requests. It never raises, and takes microseconds.

    Several parts may each have one, see `LoadedModel.add_observer`.
    """

    def __call__(
        self, inputs: Arrays, outputs: Mapping[str, Array], seconds: float, requests: Sequence[object]
    ) -> None:
        """Take note of a run.

        Args:
            inputs: See `Predictor.predict`. Neither they nor the outputs may be changed.
            outputs: The outputs.
            seconds: Duration of the run.
            requests: The request of each row, where the rows are of several requests; empty otherwise.
        """


class Recorder(Protocol):
    """Keeps rows that were answered. It never raises, and takes microseconds."""

    keeps_text: bool
    """Whether it keeps names in the requests."""

    def record(
        self,
        manifest: Manifest,
        inputs: Arrays,
        outputs: Mapping[str, Array],
        warnings: Sequence[tuple[int, Mapping[str, object]]] = (),
        rows: Sequence[int] = (),
        texts: Sequence[Mapping[str, object]] = (),
    ) -> None:
        """Keep rows, in the context of their request; see `app.telemetry.ids`.

        Args:
            manifest: Manifest of the version that answered.
            inputs: See `Predictor.predict`. Neither they nor the outputs may be changed.
            outputs: The outputs of the graph.
            warnings: Index of the row among these rows, and a warning in its answer.
            rows: Index of each row in its request, or of the request among those that are answered together; by
                default those of the rows.
            texts: Names in the request of each row, if the recorder keeps them.
        """


class LoadedModel:
    """One loaded version. A caller that holds it may finish with it after another version has become active."""

    __slots__ = ("_explainer", "_lock", "_prepared", "manifest", "metrics", "observers", "predictor", "recorder")

    def __init__(self, predictor: Predictor, metrics: Registry, prepared: Prepared | None = None) -> None:
        """Initialize the loaded model.

        Args:
            predictor: The verified, loaded bundle.
            metrics: Registry of the process's metrics.
            prepared: Objects that were built for this version.
        """
        self.manifest = predictor.manifest
        self.predictor = predictor
        self.metrics = ModelMetrics(metrics, self.manifest)
        self.observers: tuple[Observer, ...] = ()
        """See the runs, in the order in which they came; empty, which costs nothing, unless a part wants to see them.
        Never changed in place; see `add_observer`."""
        self.recorder: Recorder | None = None
        """Keeps the rows that are answered; None, which costs nothing, unless records are on."""
        self._lock = Lock()
        self._prepared = prepared or {}
        self._explainer: ShapleyExplainer | None = None
        if self.manifest.explanation and self.manifest.packed:
            self._explainer = _explainer(predictor, self.manifest.packed, self.manifest.explanation)

    def prepared(self, kind: type[T]) -> T:
        """The object that was built for this version under a type.

        Args:
            kind: The type.

        Raises:
            KeyError: If nothing was built under this type.
        """
        built: T = self._prepared[kind]  # type: ignore[assignment]  # `Prepared` maps a type to its instance
        return built

    def infer(self, inputs: Arrays, timeout: float | None = None, requests: Sequence[object] = ()) -> dict[str, Array]:
        """Run the model and count the rows; see `Predictor.predict`.

        Args:
            inputs: See `Predictor.predict`.
            timeout: See `Predictor.predict`.
            requests: The request of each row, where the rows are of several requests.
        """
        start = perf_counter()
        try:
            outputs = self.predictor.predict(inputs, timeout)
        except InvalidOutput:
            self._note_invalid_output()
            raise
        seconds = perf_counter() - start
        self.metrics.observe(inputs, seconds)
        if self.observers:
            for observer in self.observers:
                observer(inputs, outputs, seconds, requests)
        return outputs

    def add_observer(self, observer: Observer) -> None:
        """Let an observer see the runs from now on, after those that see them already. May be called in any thread."""
        with self._lock:
            self.observers = (*self.observers, observer)

    def remove_observer(self, observer: Observer) -> None:
        """Let an observer see no further run, if it sees any; one that has begun may still be shown to it."""
        with self._lock:
            self.observers = tuple(each for each in self.observers if each != observer)

    def what_if(self, inputs: Arrays) -> dict[str, Array]:
        """Run the model on rows that no request sent, without counting them; see `Predictor.predict`."""
        try:
            return self.predictor.predict(inputs)
        except InvalidOutput:
            self._note_invalid_output()
            raise

    def _note_invalid_output(self) -> None:
        self.metrics.invalid.inc()
        note_invalid_output(self.manifest)

    def invalid_output(self, output: str) -> InvalidOutput:
        """Return the error for an output that is not a valid answer, log it and count it.

        Args:
            output: Name of the output.
        """
        self.metrics.invalid.inc()
        return invalid_output(self.manifest, output)

    def explain(self, row: Rows) -> Reasons:
        """Explain the answer to one row; takes milliseconds.

        Args:
            row: Shape (n_inputs,), float32.

        Returns:
            The contributions, in the order of the manifest's groups.

        Raises:
            ModelNotFound: If the model has no explanation.
        """
        if self._explainer is None or self.manifest.explanation is None:
            raise ModelNotFound
        names = (group.name for group in self.manifest.explanation.groups)
        try:
            values = self._explainer.contributions(row).tolist()
        except InvalidOutput:
            self._note_invalid_output()
            raise
        return Reasons(self._explainer.base_value, tuple(zip(names, values, strict=True)))


def _explainer(predictor: Predictor, packed: str, explanation: Explanation) -> ShapleyExplainer:
    column = {declared.name: index for index, declared in enumerate(predictor.manifest.inputs)}
    return ShapleyExplainer(
        [[column[name] for name in group.inputs] for group in explanation.groups],
        pack(predictor.manifest, explanation.background)[packed],
        lambda rows: predictor.predict({packed: rows})[explanation.output],
    )
