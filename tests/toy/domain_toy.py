"""The toy domain: a model that adds two numbers."""

import numpy as np
from pydantic import BaseModel, ConfigDict
from typing_extensions import TypedDict

from app.domains.api import DomainApi, ModelRef, Operation


class Numbers(BaseModel):
    """Two numbers."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    a: float
    b: float


class Total(TypedDict):
    """The sum, and the model that computed it."""

    total: float
    model: ModelRef


class ToyApi(DomainApi):
    """The domain API of the toy model."""

    models = ("toy",)

    @property
    def operations(self) -> tuple[Operation[Numbers, Total]]:
        """The operations of the domain."""
        return (
            Operation(
                name="add",
                path="/toy/add",
                summary="Add two numbers",
                description="The model returns the sum.",
                request=Numbers,
                answer=Total,
                answered="The sum",
                run=self.add,
            ),
        )

    def add(self, numbers: Numbers, version: str | None = None) -> Total:
        """Return the sum of two numbers."""
        row = np.array([[numbers.a, numbers.b]], dtype=np.float32)
        model = self._manager.get("toy", version)
        outputs = model.infer({"features": row})
        return {
            "total": float(outputs["total"][0, 0]),
            "model": {"name": model.manifest.name, "version": model.manifest.version},
        }


DOMAIN = ToyApi
