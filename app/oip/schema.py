"""The protocol's answers as JSON: the types that clients see."""

from typing import NotRequired

from pydantic import JsonValue
from typing_extensions import TypeAliasType, TypedDict

from app.bundle.manifest import Datatype

Parameters = TypeAliasType("Parameters", dict[str, JsonValue])
"""Parameters of a call, of a tensor or of an answer."""


class ServerMetadata(TypedDict):
    """What the server is, and the extensions of the protocol that it implements."""

    name: str
    version: str
    extensions: list[str]


class ServerLive(TypedDict):
    """Whether the server responds."""

    live: bool


class ServerReady(TypedDict):
    """Whether the models can answer."""

    live: bool
    ready: bool


class ModelReady(TypedDict):
    """Whether a model can answer."""

    name: str
    ready: bool


class TensorMetadata(TypedDict):
    """A tensor that a model takes or returns; -1 in its shape is any number of rows."""

    name: str
    datatype: Datatype
    shape: list[int]


class ModelMetadata(TypedDict):
    """The inputs and outputs of a model."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class VersionList(TypedDict):
    """Versions by number."""

    versions: list[int]


class VersionPolicy(TypedDict):
    """The versions that a configuration is for."""

    specific: VersionList


class ConfiguredTensor(TypedDict):
    """A tensor of a configuration; its data type is `TYPE_` and the datatype."""

    name: str
    data_type: str
    dims: list[int]


class ParameterValue(TypedDict):
    """The value of a configuration's parameter."""

    string_value: str


class ModelConfiguration(TypedDict):
    """The configuration of a version, in Triton's terms."""

    name: str
    platform: str
    backend: str
    version_policy: VersionPolicy
    max_batch_size: int
    input: list[ConfiguredTensor]
    output: list[ConfiguredTensor]
    parameters: dict[str, ParameterValue]


class StatisticDuration(TypedDict):
    """A number of runs, and their duration in nanoseconds."""

    count: int
    ns: int


class InferenceStatistics(TypedDict):
    """Runs by outcome, and the parts of their duration."""

    success: StatisticDuration
    fail: StatisticDuration
    queue: StatisticDuration
    compute_input: StatisticDuration
    compute_infer: StatisticDuration
    compute_output: StatisticDuration


class VersionStatistics(TypedDict):
    """The statistics of a version. `last_inference` is in milliseconds since 1970."""

    name: str
    version: str
    last_inference: int
    inference_count: int
    execution_count: int
    inference_stats: InferenceStatistics
    batch_stats: list[JsonValue]


class StatisticsList(TypedDict):
    """The statistics of versions, in Triton's terms."""

    model_stats: list[VersionStatistics]


class ResponseOutput(TypedDict):
    """An output tensor. Its elements are in row-major order; they are absent if they follow the JSON as bytes."""

    name: str
    datatype: Datatype
    shape: list[int]
    data: NotRequired[list[float]]
    parameters: NotRequired[Parameters]


class InferResponse(TypedDict):
    """The JSON part of the answer to an inference call. The parameter `warnings` is a JSON array as text."""

    model_name: str
    model_version: str
    id: NotRequired[str]
    parameters: NotRequired[Parameters]
    outputs: list[ResponseOutput]


class RepositoryAnswer(TypedDict):
    """The answer to loading or unloading: an object without properties."""


class InferenceError(TypedDict):
    """Why a call was not answered, in a sentence."""

    error: str


ANSWERS: tuple[type, ...] = (
    InferResponse,
    InferenceError,
    ModelConfiguration,
    ModelMetadata,
    ModelReady,
    RepositoryAnswer,
    ServerLive,
    ServerMetadata,
    ServerReady,
    StatisticsList,
)
"""The types of whole answers, except the list of versions."""
