"""The predictor: a verified, loaded bundle."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from numpy.typing import NDArray

from app.bundle.manifest import Manifest
from app.errors import InvalidOutput

_log = logging.getLogger(__name__)
Array = NDArray[Any]
Arrays = Mapping[str, Array]

on_invalid_output: ContextVar[Callable[[Manifest], object] | None] = ContextVar("on_invalid_output", default=None)
"""Called with the manifest of a version that gives no valid answer, also where the error of one item of a call is part
of the answer; None: nobody wants to know."""


class Predictor(ABC):
    """Arrays in, arrays out. Synchronous; safe to call from several threads."""

    remote = False
    """Whether another machine runs the model, so that a call waits for the network."""
    ready = True
    """Whether the predictor can answer now."""

    def __init__(self, manifest: Manifest) -> None:
        """Initialize the predictor.

        Args:
            manifest: The bundle's manifest.
        """
        self.manifest = manifest

    @abstractmethod
    def predict(self, inputs: Arrays, timeout: float | None = None) -> dict[str, Array]:
        """Run the model.

        Args:
            inputs: The graph's own inputs. If the manifest declares ``packed``: that one tensor, shape (n_rows,
                n_inputs), float32, columns in the manifest's order. Otherwise one array per input.
            timeout: Maximum number of seconds to wait for another machine; None means the configured timeout.

        Returns:
            One array per declared output; the first dimension is n_rows.
        """


def invalid_output(manifest: Manifest, output: str) -> InvalidOutput:
    """Return the error for an output that is not a valid answer, and log it.

    Args:
        manifest: Manifest of the model.
        output: Name of the output.
    """
    _log.error("%s version %s: output %s is not a valid answer", manifest.name, manifest.version, output)
    note_invalid_output(manifest)
    return InvalidOutput(output)


def note_invalid_output(manifest: Manifest) -> None:
    """Call the function in `on_invalid_output`, if there is one."""
    if (tell := on_invalid_output.get()) is not None:
        tell(manifest)
