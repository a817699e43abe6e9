"""The iris domain: the species of an iris flower from four lengths."""

from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, JsonValue, with_config
from typing_extensions import TypedDict

from app.bundle.manifest import Manifest
from app.domains.face import ModelRef, Operation, Warning
from app.inference.service import InferenceService

MODEL = "iris"
SPECIES = ("setosa", "versicolor", "virginica")
"""By class id."""

Length = Annotated[float, Field(ge=0, le=30, json_schema_extra={"unit": "cm"})]

EXAMPLE_FLOWER: dict[str, JsonValue] = {
    "sepal_length": 5.1,
    "sepal_width": 3.5,
    "petal_length": 1.4,
    "petal_width": 0.2,
}
EXAMPLE_ANSWER: dict[str, JsonValue] = {
    "species": "setosa",
    "class_id": 0,
    "scores": {"setosa": 1.4087, "versicolor": -0.8032, "virginica": -7.1949},
    "model": {"name": "iris", "version": "1"},
    "warnings": [],
}


class Flower(BaseModel):
    """A flower's four lengths, cm."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        allow_inf_nan=False,
        frozen=True,
        json_schema_extra={"examples": [EXAMPLE_FLOWER]},
    )

    sepal_length: Length = Field(description="Sepal length, cm.")
    sepal_width: Length = Field(description="Sepal width, cm.")
    petal_length: Length = Field(description="Petal length, cm.")
    petal_width: Length = Field(description="Petal width, cm.")


@with_config(ConfigDict(json_schema_extra={"examples": [EXAMPLE_ANSWER]}))
class Species(TypedDict):
    """The species; `scores` are decision values, the largest of which decides, and no probabilities."""

    species: str
    class_id: int
    scores: dict[str, float]
    model: ModelRef
    warnings: list[Warning]


class IrisFace:
    """Species of iris flowers."""

    models = (MODEL,)

    def __init__(self, service: InferenceService) -> None:
        """Args:
        service: Runs the models.
        """
        self._service = service

    @property
    def operations(self) -> tuple[Operation[Flower, Species]]:
        """Tell one flower's species."""
        return (
            Operation(
                name="predict_iris",
                path="/iris/predict",
                summary="Tell an iris flower's species",
                description="Setosa, versicolor or virginica, from the lengths and widths of sepal and petal in cm.",
                request=Flower,
                answer=Species,
                answered="The species",
                run=self.predict,
            ),
        )

    def predict(self, flower: Flower, version: str | None = None) -> Species:
        """The species of one flower.

        Raises:
            ModelNotFound: The model has no such version.
            ModelNotReady: The model is not loaded yet.
        """
        row = (flower.sepal_length, flower.sepal_width, flower.petal_length, flower.petal_width)
        manifest, outputs = self._service.infer(MODEL, {"features": np.array([row], dtype=np.float32)}, version)
        number = int(outputs["class_id"][0, 0])
        scores = [round(value, 4) for value in outputs["scores"][0].tolist()]
        return {
            "species": SPECIES[number],
            "class_id": number,
            "scores": dict(zip(SPECIES, scores, strict=True)),
            "model": {"name": manifest.name, "version": manifest.version},
            "warnings": outside(manifest, row),
        }


def outside(manifest: Manifest, row: tuple[float, ...]) -> list[Warning]:
    """Warnings for lengths outside what the model has seen.

    Args:
        manifest: Of the model that answers; holds the trained ranges.
        row: The lengths in the manifest's order, cm.
    """
    return [
        {
            "code": "outside_trained_range",
            "message": f"{declared.name} is outside what the model has seen: {low:g} to {high:g} {declared.unit}.",
            "field": declared.name,
        }
        for declared, value in zip(manifest.inputs, row, strict=True)
        for low, high in [declared.trained_range or (value, value)]
        if not low <= value <= high
    ]


FACE = IrisFace
