"""Scales of bitterness, for the trees' target and for conformal scores."""

import math
from typing import Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from training.arrays import Array


class Scale(BaseModel):
    """An increasing function of the IBU and its inverse.

    Numpy arithmetic only, as both are traced into the ONNX graph.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["identity", "log", "sqrt"] = "identity"
    offset: float = Field(default=0.0, ge=0)
    """IBU added before a logarithm."""

    @model_validator(mode="after")
    def _offset_is_of_a_logarithm(self) -> Self:
        if self.offset and self.kind != "log":
            raise ValueError("only a logarithm takes an offset")
        return self

    def of(self, ibu: Array) -> Array:
        """Convert IBU to this scale."""
        if self.kind == "log":
            logarithm: Array = np.log(ibu + np.float32(self.offset))
            return logarithm
        return np.sqrt(ibu) if self.kind == "sqrt" else ibu

    def ibu(self, value: Array) -> Array:
        """Convert values on this scale to IBU, at least 0."""
        if self.kind == "sqrt":
            root = np.maximum(value, 0.0)
            squared: Array = root * root
            return squared
        return np.maximum(np.exp(value) - self.offset if self.kind == "log" else value, 0.0)

    def moved(self, ibu: Array, by: float) -> Array:
        """Shift IBU on this scale; the result is at least 0.

        Args:
            ibu: 0 or more.
            by: Shift in this scale's unit.
        """
        if self.kind == "log":  # exp(log(v + offset) + by) - offset is linear in v and cannot overflow
            factor = math.exp(by)
            line: Array = ibu * factor + (factor - 1) * self.offset
            return np.maximum(line, 0.0)
        return self.ibu(self.of(ibu) + by)
