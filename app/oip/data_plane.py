"""The data plane: the Open Inference Protocol without a transport, for REST and gRPC alike."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from app import __version__
from app.audit import Audit, Change, key_holder
from app.bundle.manifest import Manifest, Output
from app.errors import CallError, TooLate
from app.models.loaded import LoadedModel
from app.models.manager import ModelManager
from app.models.state import VersionState
from app.oip.signature import ModelSignature, RowValidator, RowWarnings
from app.oip.statistics import ModelStatistics, StatisticsReader
from app.oip.tensors import Tensor, all_finite, invalid_input
from app.runtime.predictor import Array
from app.runtime.thread_pool import BoundedThreadPool

if TYPE_CHECKING:
    from app.traffic.calls import Call

SERVER = "beer-model"
"""Name of the server in the protocol's server metadata."""
EXTENSIONS = ("model_repository", "model_configuration", "statistics", "binary_tensor_data")
"""Extensions of the protocol that the server implements."""
FAST_ROWS = 64
"""Maximum number of rows that are answered in the event loop, in less than a millisecond."""
FAST_ELEMENTS = 4096
"""Maximum number of elements that are answered in the event loop, in less than a millisecond."""

_FLOATS = ("FP32", "FP64")


@dataclass(frozen=True, slots=True)
class InferCall:
    """One inference request."""

    model: str
    version: str | None
    """The version that answers; None is the active version."""
    inputs: Sequence[Tensor]
    outputs: Sequence[str] = ()
    """The requested outputs, in the order of the answer; empty means all outputs."""
    caller: "Call | None" = None
    """Who calls, while a version is tried."""


@dataclass(frozen=True, slots=True)
class InferAnswer:
    """The answer to one inference request."""

    manifest: Manifest
    """Manifest of the version that answered."""
    outputs: list[tuple[Output, Array]]
    """The requested outputs; the first dimension of each array is n_rows."""
    warnings: RowWarnings
    """The domain's warnings, by row."""


class DataPlane:
    """Answers the protocol's calls in the protocol's terms; each transport encodes them in its own format."""

    def __init__(self, manager: ModelManager, thread_pool: BoundedThreadPool, audit: Audit | None = None) -> None:
        """Initialize the data plane.

        Args:
            manager: Owns the loaded models.
            thread_pool: Runs calls that take long.
            audit: Takes a line for each model that is loaded or unloaded; by default the log does.
        """
        self._audit = audit or Audit()
        self._manager = manager
        self._thread_pool = thread_pool
        self._statistics = StatisticsReader(manager.metrics)

    @property
    def names(self) -> tuple[str, ...]:
        """The models that are served."""
        return self._manager.names

    @property
    def version(self) -> str:
        """Version of this program."""
        return __version__

    @property
    def ready(self) -> bool:
        """Whether every model can answer."""
        return self._manager.ready

    def is_ready(self, name: str, version: str | None = None) -> bool:
        """Whether a version answers at once.

        Raises:
            ModelNotFound: If there is no such model or version.
        """
        return self._manager.is_ready(name, version)

    async def signature(self, name: str, version: str | None = None) -> ModelSignature:
        """The inputs and outputs of a version, which is loaded if necessary.

        Raises:
            ModelNotFound: If there is no such model or version.
            ModelNotReady: If the version cannot be loaded.
            Overloaded: If the version has to be loaded and the thread pool is full.
        """
        if version is None or self._manager.loaded(name, version) is not None:
            model = self._manager.get(name, version)
        else:
            model = await self._thread_pool.run(partial(self._manager.get, name), version)
        return model.prepared(ModelSignature)

    def versions(self, name: str) -> tuple[str, ...]:
        """The versions of a model that a caller can ask for, lowest first.

        Raises:
            ModelNotFound: If there is no such model.
        """
        return self._manager.versions(name)

    def is_slow(self, call: InferCall) -> bool:
        """Whether a call takes longer than a millisecond: keep it off the event loop."""
        elements = 0
        for tensor in call.inputs:
            shape = tensor.data.shape
            if shape and shape[0] > FAST_ROWS:
                return True
            elements += tensor.data.size
        return elements > FAST_ELEMENTS or self._manager.is_slow(call.model, call.version)

    async def infer(self, call: InferCall, timeout: float | None = None) -> InferAnswer:
        """Answer a call from the event loop: at once if that takes microseconds, otherwise in the thread pool.

        Args:
            call: The call.
            timeout: Maximum number of seconds.

        Raises:
            Overloaded: If the call takes long and the thread pool is full.
            TooLate: If the call was not answered within the timeout.
            CallError: See `answer`.
        """
        if not self.is_slow(call):
            return self.answer(call, timeout)
        try:
            async with asyncio.timeout(timeout):
                return await self._thread_pool.run(partial(self.answer, call), timeout)
        except TimeoutError:
            raise TooLate from None

    def answer(self, call: InferCall, timeout: float | None = None) -> InferAnswer:
        """Answer a call in this thread.

        Args:
            call: The call.
            timeout: Maximum number of seconds to wait for another machine.

        Raises:
            InputError: If the call does not fit the model, or the domain rejects a row.
            ModelNotFound: If there is no such model or version.
            InvalidOutput: If an output is infinite or not a number although every row is valid.
            ModelNotReady: If the version is not loaded, or its machine is unreachable.
            TooLate: If the other machine took longer than the timeout.
        """
        if call.caller is not None:
            return call.caller.answer(lambda: self._answer(call, timeout))
        return self._answer(call, timeout)

    def _answer(self, call: InferCall, timeout: float | None) -> InferAnswer:
        model = self._manager.get(call.model, call.version)
        try:
            return _run(model, call, timeout)
        except CallError:
            self._statistics.count_failure(model.manifest)
            raise

    async def statistics(self, name: str | None = None, version: str | None = None) -> list[ModelStatistics]:
        """The number and duration of the runs of each version, over all workers.

        Args:
            name: Name of the model; None means all models.
            version: Version of the model; None means all versions.

        Raises:
            ModelNotFound: If there is no such model or version.
        """
        names = self.names if name is None else (name,)
        states = [state for model in names for state in self._manager.states(model)]
        if version is not None:
            self._manager.is_ready(names[0], version)  # raises ModelNotFound
            states = [state for state in states if state.version == version]
        return await asyncio.to_thread(self._statistics.read, [(state.name, state.version) for state in states])

    def index(self, only_ready: bool = False) -> list[VersionState]:
        """Every version of every model, and whether it answers."""
        states = [state for name in self.names for state in self._manager.states(name)]
        return [state for state in states if state.state == "READY"] if only_ready else states

    async def load(self, name: str, who: str = "") -> None:
        """Reactivate a model that was unloaded; see `ModelManager.reactivate`.

        Args:
            name: Name of the model.
            who: Id of the caller's key, for the audit.
        """
        await asyncio.to_thread(self._change, "model.load", name, who, self._manager.reactivate)

    async def unload(self, name: str, who: str = "") -> None:
        """Deactivate a model; see `ModelManager.deactivate`.

        Args:
            name: Name of the model.
            who: Id of the caller's key, for the audit.
        """
        await asyncio.to_thread(self._change, "model.unload", name, who, self._manager.deactivate)

    def _change(self, what: str, name: str, who: str, change: Callable[[str], None]) -> None:
        before = self._active(name)
        change(name)
        self._audit.note(key_holder(who), what, Change(before, self._active(name), name))

    def _active(self, name: str) -> str | None:
        active = self._manager.state(name).active
        return active.manifest.version if active else None


def _run(model: LoadedModel, call: InferCall, timeout: float | None) -> InferAnswer:
    signature = model.prepared(ModelSignature)
    requested, arrays = signature.select_outputs(call.outputs), signature.arrays(call.inputs)
    validator, (name, rows) = model.prepared(RowValidator), next(iter(arrays.items()))
    warnings = validator.validate(rows)
    entered = {**arrays, name: validator.correct(rows)}
    outputs: Mapping[str, Array] = model.infer(entered, timeout)
    for output in requested:
        if output.datatype in _FLOATS and not all_finite(outputs[output.name]):
            if any(declared.trained_range is None for declared in model.manifest.inputs):  # any number is a valid input
                raise invalid_input("", "no_answer", "holds numbers to which the model has no finite answer")
            raise model.invalid_output(output.name)
    if model.recorder is not None:
        model.recorder.record(model.manifest, entered, outputs, warnings)
    return InferAnswer(model.manifest, [(output, outputs[output.name]) for output in requested], warnings)
