"""The manifest of a bundle, ``manifest.json``."""

from math import isfinite
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator
from typing_extensions import TypeAliasType

from app.errors import BundleError

FORMAT_VERSION = 1
MAX_INPUTS = 512
"""Maximum number of inputs, and of outputs."""
MAX_GROUPS = 12
"""Maximum number of groups of an explanation; each further one doubles its work."""
MAX_COALITION_ROWS = 65536
"""Maximum number of rows that an explanation computes: background rows, for each subset of the groups."""
MAX_TOLERANCE = 0.05
"""Maximum tolerance of golden rows, for outputs that have no larger values than 5: golden rows must prove something."""
_RELATIVE_TOLERANCE = 0.01
"""Maximum tolerance as a part of an output's largest golden value."""
MANIFEST = "manifest.json"
MODEL = "model.onnx"
CARD = "MODEL_CARD.md"
_MAX_IMAGE_SHAPE = (1024, 1024, 4)
"""Maximum height, width and channels of synthetic images, so that a manifest cannot exhaust memory."""

Name = Annotated[str, Field(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$")]
Version = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,8}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Datatype = TypeAliasType("Datatype", Literal["BOOL", "UINT8", "INT32", "INT64", "FP32", "FP64", "BYTES"])
"""Datatype names of the Open Inference Protocol."""
Tensor = list[list[float | None]] | list[float | None]
"""Rows as JSON; ``null`` is a missing value (NaN)."""


def _check_finite(value: JsonValue) -> JsonValue:
    """Reject infinite numbers, which JSON cannot write: 1e999 is one when it is read."""
    if isinstance(value, float) and not isfinite(value):
        raise ValueError("holds a number that is not finite")
    if isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            _check_finite(part)
    return value


Figures = Annotated[dict[str, JsonValue], AfterValidator(_check_finite)]
"""Figures of any form, all of them finite."""


class _Part(BaseModel):
    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        defer_build=True,
        json_schema_serialization_defaults_required=True,  # an answer holds every field
    )


class Input(_Part):
    """An input of the model."""

    name: str
    datatype: Datatype
    shape: tuple[int, ...] = (-1, 1)
    """Shape of the tensor; -1 is the number of rows."""
    unit: str
    """Unit such as ``% vol`` or ``EBC``; empty for a dimensionless number."""
    description: str
    trained_range: tuple[float, float] | None = None
    """Minimum and maximum of the training data, in ``unit``."""
    optional: bool = False
    """Whether the value may be missing (NaN)."""
    deciles: tuple[float, ...] | None = None
    """The nine inner deciles of the training data, for drift metrics."""


class Output(_Part):
    """An output of the model."""

    name: str
    datatype: Datatype
    shape: tuple[int, ...] = (-1, 1)
    unit: str
    description: str


class Group(_Part):
    """Inputs that are explained together."""

    name: str
    """Display name, such as ``bittering hops``."""
    inputs: tuple[str, ...] = Field(min_length=1)


class Explanation(_Part):
    """Data for explaining predictions."""

    output: str
    """Name of the explained output."""
    groups: tuple[Group, ...] = Field(min_length=1, max_length=MAX_GROUPS)
    """Groups that contain every input exactly once."""
    background: dict[str, Tensor]
    """Representative rows of the training data, by input name."""


class CleaningStep(_Part):
    """Effect of a cleaning rule on the training data."""

    rule: str
    """Name of the rule, such as ``no_label``."""
    description: str
    action: Literal["dropped", "changed"]
    rows_before: int
    rows_affected: int
    rows_after: int


class TrainingData(_Part):
    """Source and size of the training data."""

    source: str
    """File name without folders, or address."""
    origin: str = ""
    """Where the data come from, in the words of whoever trained the model; empty if it was not stated."""
    licence: str = ""
    """Licence of the data, likewise."""
    sha256: Sha256
    """Digest of the file, or of the rows in canonical JSON if there is no single file."""
    rows_read: int
    rows_used: int
    cleaning: tuple[CleaningStep, ...]


class Metrics(_Part):
    """Metrics of the model and their evaluation protocol."""

    protocol: str
    """Description of the evaluation protocol."""
    values: Figures


class Synthetic(_Part):
    """Synthetic images generated from a seed, see `app.runtime.synthetic`; the images themselves would be too large."""

    seed: str = Field(max_length=64)
    rows: int = Field(ge=1, le=16)
    cells: int = Field(ge=1, le=64)
    """Number of single-coloured squares along each side of an image."""


class Golden(_Part):
    """Golden rows: inputs with their expected outputs."""

    inputs: dict[str, Tensor | Synthetic]
    outputs: dict[str, Tensor]
    tolerance: float = Field(gt=0)
    """Maximum absolute difference, in the output's unit; at most `MAX_TOLERANCE`, or 1 % of the largest value."""


class PublicManifest(_Part, defer_build=False):  # its parts are validated only as parts of a manifest
    """The public part of the manifest, as ``GET /model`` returns it."""

    format_version: Literal[1]
    name: Name
    version: Version
    description: str
    inputs: tuple[Input, ...] = Field(min_length=1, max_length=MAX_INPUTS)
    packed: str | None = None
    """Name of the single FP32 tensor whose columns are the inputs, in order; None: one tensor per input."""
    outputs: tuple[Output, ...] = Field(min_length=1, max_length=MAX_INPUTS)
    coverage: float | None = Field(default=None, gt=0, lt=1)
    """Nominal coverage of the prediction interval; None if the model has no interval."""
    metrics: Metrics
    training_data: TrainingData
    libraries: dict[str, str]


class Manifest(PublicManifest):
    """The manifest. Immutable; unknown keys are rejected."""

    explanation: Explanation | None = None
    """Data for explaining predictions; it holds rows of the training data, so it is not public."""
    parameters: Figures
    """Training parameters: hyper-parameters, seed, folds."""
    golden: Golden

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        declared = {i.name for i in self.inputs}
        if len(declared) != len(self.inputs):
            raise ValueError("an input is declared twice")
        if set(self.golden.inputs) != declared or set(self.golden.outputs) != {o.name for o in self.outputs}:
            raise ValueError("golden rows do not have the declared inputs and outputs")
        for values in self.golden.outputs.values():
            largest = _largest(values)
            if largest is None:
                raise ValueError("an output has no golden rows")
            if self.golden.tolerance > max(MAX_TOLERANCE, _RELATIVE_TOLERANCE * largest):
                raise ValueError("the tolerance of the golden rows is too large to prove anything")
        for declared_input in self.inputs:
            if isinstance(self.golden.inputs[declared_input.name], Synthetic) and not _is_image(declared_input.shape):
                raise ValueError("golden rows are synthetic images for an input that is not an image, or is too large")
        if self.explanation:
            grouped = [name for group in self.explanation.groups for name in group.inputs]
            if sorted(grouped) != sorted(declared) or set(self.explanation.background) != declared:
                raise ValueError("the explanation's groups and background do not hold every input once")
            rows = max(map(len, self.explanation.background.values()))
            if not 1 <= rows << len(self.explanation.groups) <= MAX_COALITION_ROWS:
                raise ValueError("the explanation has no background, or groups and background are too large")
        return self

    def to_json(self) -> str:
        """Return the text of the file: indented by two spaces, with a final newline."""
        return self.model_dump_json(indent=2) + "\n"


def _largest(rows: Tensor) -> float | None:
    """Return the largest magnitude of all values; None if there is no value."""
    values = [value for row in rows for value in (row if isinstance(row, list) else [row]) if value is not None]
    return max(map(abs, values), default=None)


def _is_image(shape: tuple[int, ...]) -> bool:
    return len(shape) == 4 and all(1 <= size <= limit for size, limit in zip(shape[1:], _MAX_IMAGE_SHAPE, strict=True))


def parse_manifest(text: str | bytes) -> Manifest:
    """Parse a manifest.

    Args:
        text: Contents of ``manifest.json``.

    Returns:
        The manifest.

    Raises:
        BundleError: If the text is not JSON, or a field is invalid; the message names the field.
    """
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        location = ".".join(str(part) for part in first["loc"]) or "document"
        raise BundleError(f"{MANIFEST}: {location}: {first['msg']}") from None
