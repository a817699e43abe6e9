"""The manifest: what a bundle says of itself, as ``manifest.json``."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from app.errors import BundleError

FORMAT_VERSION = 1
MANIFEST = "manifest.json"
MODEL = "model.onnx"
CARD = "MODEL_CARD.md"
_LARGEST_PICTURE = (1024, 1024, 4)
"""Height, width and channels up to which golden rows are drawn: a manifest must not make its reader fill memory."""

Name = Annotated[str, Field(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$")]
Version = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,8}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Datatype = Literal["BOOL", "UINT8", "INT32", "INT64", "FP32", "FP64", "BYTES"]
"""Names of the Open Inference Protocol."""
Tensor = list[list[float | None]] | list[float | None]
"""Rows as JSON; ``null`` stands for a missing value (NaN)."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)


class Input(_Part):
    """One declared input of the model."""

    name: str
    datatype: Datatype
    shape: tuple[int, ...] = (-1, 1)
    """-1 is the number of rows."""
    unit: str
    """``% vol``, ``points``, ``EBC``, ...; empty for a pure number."""
    description: str
    trained_range: tuple[float, float] | None = None
    """Smallest and largest value in the training data, in ``unit``."""
    optional: bool = False
    """Whether the value may be missing (NaN)."""
    deciles: tuple[float, ...] | None = None
    """The training data's nine inner deciles, for watching drift."""


class Output(_Part):
    """One declared output of the model."""

    name: str
    datatype: Datatype
    shape: tuple[int, ...] = (-1, 1)
    unit: str
    description: str


class Group(_Part):
    """Inputs whose share in an answer is told as one."""

    name: str
    """For people: ``bittering hops``."""
    inputs: tuple[str, ...] = Field(min_length=1)


class Explanation(_Part):
    """What reasons are computed from."""

    output: str
    """The output that is explained."""
    groups: tuple[Group, ...] = Field(min_length=1)
    """Together they hold every input once."""
    background: dict[str, Tensor]
    """Representative rows of the training data, by input."""


class CleaningStep(_Part):
    """What one cleaning rule did to the training data."""

    rule: str
    """The rule's name: ``no_label``, ``gravities_swapped``, ..."""
    description: str
    action: Literal["dropped", "changed"]
    rows_before: int
    rows_affected: int
    rows_after: int


class TrainingData(_Part):
    """Where the rows came from and how many were used."""

    source: str
    """File name or address as given, without folders."""
    sha256: Sha256
    """Digest of the bytes read, or of the rows in canonical JSON where there is no single file."""
    rows_read: int
    rows_used: int
    cleaning: tuple[CleaningStep, ...]


class Metrics(_Part):
    """Figures of the model and the protocol that gave them."""

    protocol: str
    """How the figures were measured, in a sentence or two."""
    values: dict[str, JsonValue]


class Synthetic(_Part):
    """Rows drawn from a seed, where told ones would be too many numbers; `app.runtime.synthetic` has the rule."""

    seed: str = Field(max_length=64)
    rows: int = Field(ge=1, le=16)
    cells: int = Field(ge=1, le=64)
    """Squares of one colour along each side of a picture."""


class Golden(_Part):
    """A few inputs with the outputs that the model must give for them."""

    inputs: dict[str, Tensor | Synthetic]
    outputs: dict[str, Tensor]
    tolerance: float = Field(gt=0)
    """Largest absolute difference allowed, in the output's unit."""


class PublicManifest(_Part, defer_build=False):  # its parts are only ever validated with it
    """What a bundle says of itself to everyone."""

    format_version: Literal[1]
    name: Name
    version: Version
    description: str
    inputs: tuple[Input, ...] = Field(min_length=1)
    packed: str | None = None
    """If set, ``model.onnx`` takes the inputs as columns, in order, of one FP32 tensor of this name."""
    outputs: tuple[Output, ...] = Field(min_length=1)
    coverage: float | None = Field(default=None, gt=0, lt=1)
    """Share of beers that the interval is built to hold, where the model gives an interval."""
    explanation: Explanation | None = None
    metrics: Metrics
    training_data: TrainingData
    libraries: dict[str, str]


class Manifest(PublicManifest):
    """What a bundle says of itself. Immutable; unknown keys are refused."""

    parameters: dict[str, JsonValue]
    """What was trained with: hyper-parameters, seed, folds."""
    golden: Golden

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        declared = {i.name for i in self.inputs}
        if len(declared) != len(self.inputs):
            raise ValueError("an input is declared twice")
        if set(self.golden.inputs) != declared or set(self.golden.outputs) != {o.name for o in self.outputs}:
            raise ValueError("golden rows do not have the declared inputs and outputs")
        for declared_input in self.inputs:
            if isinstance(self.golden.inputs[declared_input.name], Synthetic) and not _is_picture(declared_input.shape):
                raise ValueError("golden rows are drawn for an input that is no picture, or too large a one")
        if self.explanation:
            grouped = [name for group in self.explanation.groups for name in group.inputs]
            if sorted(grouped) != sorted(declared) or set(self.explanation.background) != declared:
                raise ValueError("the explanation's groups and background do not hold every input once")
        return self

    def to_json(self) -> str:
        """The manifest as it stands in the file: two spaces deep, a newline at the end."""
        return self.model_dump_json(indent=2) + "\n"


def _is_picture(shape: tuple[int, ...]) -> bool:
    return len(shape) == 4 and all(1 <= size <= most for size, most in zip(shape[1:], _LARGEST_PICTURE, strict=True))


def parse_manifest(text: str | bytes) -> Manifest:
    """Read a manifest.

    Args:
        text: Contents of ``manifest.json``.

    Returns:
        The manifest.

    Raises:
        BundleError: It is no JSON, of another format version, or a field is wrong; the message names the field.
    """
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "document"
        raise BundleError(f"{MANIFEST}: {where}: {first['msg']}") from None
