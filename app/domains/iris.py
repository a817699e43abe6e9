"""The iris domain: species of an iris flower from four lengths."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, JsonValue, with_config
from typing_extensions import TypedDict

from app.bundle.manifest import Manifest
from app.domains.api import DomainApi, ModelRef, Operation, Warning
from app.domains.row_warnings import WarningsByRow
from app.errors import InputError, Problem
from app.models.loaded import Prepared
from app.oip.signature import RowValidator
from app.runtime.predictor import Array
from app.telemetry.metrics import Registry

MODEL = "iris"
SPECIES = ("setosa", "versicolor", "virginica")
"""Species by class id."""

MAX_CM = 30.0
"""Longest length that the service accepts, cm."""
Length = Annotated[float, Field(ge=0, le=MAX_CM, json_schema_extra={"unit": "cm"})]

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
    """Lengths of a flower, cm."""

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
    """Species of a flower. `scores` are decision values, not probabilities; the largest decides."""

    species: str
    class_id: int
    scores: dict[str, float]
    model: ModelRef
    warnings: list[Warning]


class FlowerRowValidator(RowValidator):
    """Validates rows of one version as the domain API validates flowers."""

    def __init__(self, manifest: Manifest) -> None:
        """Initialize the validator.

        Args:
            manifest: Manifest of the version.

        Raises:
            ValueError: If the inputs are not the lengths of a flower.
        """
        self._names = [declared.name for declared in manifest.inputs]
        if set(self._names) != set(Flower.model_fields):
            raise ValueError(f"the bundle's inputs must be {', '.join(Flower.model_fields)}")
        self.lengths = attrgetter(*self._names)
        ranges = [declared.trained_range or (0.0, MAX_CM) for declared in manifest.inputs]
        self._low, self._high = np.array(ranges, np.float32).T
        self._ranges = ranges

    def validate(self, rows: Array) -> Sequence[tuple[int, Warning]]:
        """Validate rows.

        Args:
            rows: Shape (n_rows, 4), float32, cm, columns in the manifest's order.

        Returns:
            Row index and warning, by row, for lengths outside the trained range.

        Raises:
            InputError: If a length is out of bounds. It names the first wrong row of each input.
        """
        wrong = (rows < 0) | (rows > MAX_CM)
        if wrong.any():
            first = {column: int(wrong[:, column].argmax()) for column in np.flatnonzero(wrong.any(axis=0)).tolist()}
            raise InputError(
                [
                    Problem(f"inputs.{self._names[c]}", "out_of_bounds", f"row {row}: must be 0 to {MAX_CM:g}")
                    for c, row in first.items()
                ]
            )
        return WarningsByRow((rows < self._low) | (rows > self._high), rows, self._warning)

    def _warning(self, column: int, row: Sequence[float]) -> Warning:
        return _outside(self._names[column], row[column], *self._ranges[column])


class IrisApi(DomainApi):
    """Species of iris flowers."""

    models = (MODEL,)

    @classmethod
    def prepare(cls, manifest: Manifest, metrics: Registry) -> Prepared:
        """See `DomainApi.prepare`."""
        validator = FlowerRowValidator(manifest)
        return {FlowerRowValidator: validator, RowValidator: validator}

    @property
    def operations(self) -> tuple[Operation[Flower, Species]]:
        """Classify one flower."""
        return (
            Operation(
                name="predict_iris",
                path="/iris/predict",
                summary="Tell an iris flower's species",
                description="Setosa, versicolor or virginica, from the lengths and widths of sepal and petal in cm.",
                request=Flower,
                answer=Species,
                answered="The species",
                examples={"setosa": {"summary": "A small flower", "value": EXAMPLE_FLOWER}},
                run=self.predict,
            ),
        )

    def predict(self, flower: Flower, version: str | None = None) -> Species:
        """Classify one flower.

        Raises:
            ModelNotFound: If the version does not exist.
            ModelNotReady: If the model is not loaded.
        """
        model = self._manager.get(MODEL, version)
        validator = model.prepared(FlowerRowValidator)
        row = np.array([validator.lengths(flower)], dtype=np.float32)
        inputs = {"features": row}
        outputs = model.infer(inputs)
        class_id = int(outputs["class_id"][0, 0])
        if not 0 <= class_id < len(SPECIES):
            raise model.invalid_output("class_id")
        if not np.isfinite(outputs["scores"]).all():
            raise model.invalid_output("scores")
        scores = [round(value, 4) for value in outputs["scores"][0].tolist()]
        warnings = validator.validate(row)
        if model.recorder is not None:
            model.recorder.record(model.manifest, inputs, outputs, warnings)
        return {
            "species": SPECIES[class_id],
            "class_id": class_id,
            "scores": dict(zip(SPECIES, scores, strict=True)),
            "model": {"name": model.manifest.name, "version": model.manifest.version},
            "warnings": [warning for _, warning in warnings],
        }


def _outside(name: str, value: float, low: float, high: float) -> Warning:
    return {
        "code": "outside_trained_range",
        "message": f"{name} is {value:.4g} cm; the model was trained on {low:g} to {high:g} cm.",
        "field": name,
    }


DOMAIN = IrisApi
