"""The data plane: the Open Inference Protocol without a transport; one way in for REST and gRPC."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from app import __version__
from app.bundle.manifest import Manifest, Output
from app.errors import CallError, TooLate
from app.models.loaded import LoadedModel
from app.models.manager import ModelManager
from app.models.registry import VersionState
from app.oip.signature import Check, Checked, CheckKind, Contract
from app.oip.statistics import ModelStatistics, StatisticsReader
from app.oip.tensors import Tensor, all_finite, refused
from app.runtime.predictor import Array
from app.runtime.thread_pool import BoundedThreadPool

SERVER = "beer-model"
EXTENSIONS = ("model_repository", "model_configuration", "statistics", "binary_tensor_data")
AT_ONCE = 64
"""Rows, ..."""
ELEMENTS_AT_ONCE = 4096
"""... and elements, up to which a call is answered in the event loop: it takes less than a millisecond."""

_FLOATS = ("FP32", "FP64")


@dataclass(frozen=True, slots=True)
class InferCall:
    """One call."""

    model: str
    version: str | None
    """None: the one that is active."""
    inputs: Sequence[Tensor]
    outputs: Sequence[str] = ()
    """The outputs asked for, in this order; empty: all."""


@dataclass(frozen=True, slots=True)
class InferAnswer:
    """One answer."""

    manifest: Manifest
    """Of the version that answered."""
    outputs: list[tuple[Output, Array]]
    """What was asked for, n_rows first."""
    warnings: Checked
    """What makes the answer less sure, by row."""


@dataclass(frozen=True, slots=True)
class _Fitted:
    """A call that fits its model."""

    served: LoadedModel
    chosen: list[Output]
    arrays: dict[str, Array]
    warnings: Checked


class DataPlane:
    """Answers the protocol's calls in its terms; each door writes them in its own format."""

    def __init__(
        self,
        manager: ModelManager,
        thread_pool: BoundedThreadPool,
        checks: Mapping[str, CheckKind],
    ) -> None:
        """Initialize the data plane.

        Args:
            manager: Runs the models.
            thread_pool: Runs what takes long.
            checks: The domains' own looks at rows, by model.
        """
        self._manager = manager
        self._thread_pool = thread_pool
        self._kinds = checks
        self._checks: dict[tuple[str, str], tuple[Manifest, Check]] = {}
        self.book = StatisticsReader(manager.metrics)

    @property
    def names(self) -> tuple[str, ...]:
        """The models that are served."""
        return self._manager.names

    @property
    def version(self) -> str:
        """This program's."""
        return __version__

    @property
    def ready(self) -> bool:
        """Whether every model can answer."""
        return self._manager.ready

    def is_ready(self, name: str, version: str | None = None) -> bool:
        """Whether a version answers at once.

        Raises:
            ModelNotFound: No such model or version.
        """
        return self._manager.is_ready(name, version)

    async def contract(self, name: str, version: str | None = None) -> Contract:
        """What a version takes and gives; loads it where it is not loaded.

        Raises:
            ModelNotFound: No such model or version.
            ModelNotReady: It cannot be loaded.
            Overloaded: It would have to be loaded, and too much waits.
        """
        return (await self._served(name, version)).contract

    def versions(self, name: str) -> tuple[str, ...]:
        """The versions of a model that can be asked for, lowest first.

        Raises:
            ModelNotFound: No such model.
        """
        return self._manager.versions(name)

    def takes_long(self, call: InferCall) -> bool:
        """Whether a call takes longer than a millisecond: then keep it off the event loop."""
        elements = 0
        for tensor in call.inputs:
            shape = tensor.data.shape
            if shape and shape[0] > AT_ONCE:
                return True
            elements += tensor.data.size
        return elements > ELEMENTS_AT_ONCE or self._manager.slow(call.model, call.version)

    async def infer(self, call: InferCall, timeout: float | None = None) -> InferAnswer:
        """Run a model from the event loop: at once where that takes microseconds, else in the pool.

        Raises:
            Overloaded: It takes long, and too much waits.
            TooLate: It takes long, and was not answered in time.
            CallError: See `answer`.
        """
        if not self.takes_long(call):
            return self.answer(call, timeout)
        try:
            async with asyncio.timeout(timeout):
                return await self._thread_pool.run(partial(self.answer, call), timeout)
        except TimeoutError:
            raise TooLate from None

    def answer(self, call: InferCall, timeout: float | None = None) -> InferAnswer:
        """Run a model.

        Args:
            call: What is asked.
            timeout: Most seconds that another machine may take.

        Raises:
            InputError: The call does not fit the model, or the domain refuses a row.
            ModelNotFound: No such model or version.
            ModelNotReady: It is not loaded, or away.
            TooLate: The other machine took longer.
        """
        return self._run(self._fitted(call), timeout)

    def _fitted(self, call: InferCall) -> _Fitted:
        served = self._manager.served(call.model, call.version)
        manifest = served.manifest
        try:
            chosen, arrays = served.contract.chosen(call.outputs), served.contract.arrays(call.inputs)
            warnings = self._check(manifest)(next(iter(arrays.values()))) if manifest.name in self._kinds else ()
        except CallError:
            self.book.failed(manifest)
            raise
        return _Fitted(served, chosen, arrays, warnings)

    def _run(self, fitted: _Fitted, timeout: float | None) -> InferAnswer:
        try:
            outputs = fitted.served.infer(fitted.arrays, timeout)
        except CallError:
            self.book.failed(fitted.served.manifest)
            raise
        return self._told(fitted, outputs)

    def _told(self, fitted: _Fitted, outputs: Mapping[str, Array]) -> InferAnswer:
        manifest = fitted.served.manifest
        if not all(all_finite(outputs[output.name]) for output in fitted.chosen if output.datatype in _FLOATS):
            self.book.failed(manifest)
            raise refused("", "no_answer", "holds numbers to which the model has no finite answer")
        return InferAnswer(manifest, [(output, outputs[output.name]) for output in fitted.chosen], fitted.warnings)

    def _check(self, manifest: Manifest) -> Check:
        key = (manifest.name, manifest.version)
        known, check = self._checks.get(key, (None, None))
        if check is None or known is not manifest:  # a version may have been made anew
            check = self._kinds[manifest.name](manifest)
            self._checks[key] = manifest, check
        return check

    async def _served(self, name: str, version: str | None) -> LoadedModel:
        if version is None or self._manager.registry.loaded(name, version) is not None:
            return self._manager.served(name, version)
        return await self._thread_pool.run(partial(self._manager.served, name), version)

    async def statistics(self, name: str | None = None, version: str | None = None) -> list[ModelStatistics]:
        """What versions have been asked and how long they took, over all workers.

        Args:
            name: The model; None: all of them.
            version: One of its versions; None: all that can be asked for.

        Raises:
            ModelNotFound: No such model or version.
        """
        names = self.names if name is None else (name,)
        states = [state for each in names for state in self._manager.states(each)]
        if version is not None:
            self._manager.is_ready(names[0], version)  # raises where there is none
            states = [state for state in states if state.version == version]
        return await asyncio.to_thread(self.book.read, [(state.name, state.version) for state in states])

    def index(self, only_ready: bool = False) -> list[VersionState]:
        """Every version of every model, and whether it answers."""
        states = [state for name in self.names for state in self._manager.states(name)]
        return [state for state in states if state.state == "READY"] if only_ready else states

    async def load(self, name: str) -> None:
        """Let a model answer that was unloaded.

        Raises:
            ModelNotFound: No such model.
            ModelNotReady: It cannot be loaded; the log says why.
        """
        await asyncio.to_thread(self._manager.load, name)

    async def unload(self, name: str) -> None:
        """Let a model answer no more.

        Raises:
            ModelNotFound: No such model.
        """
        await asyncio.to_thread(self._manager.unload, name)
