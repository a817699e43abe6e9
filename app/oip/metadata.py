"""Metadata of the Open Inference Protocol, as JSON for REST and as input for the gRPC messages."""

from collections.abc import Sequence

from pydantic_core import to_json

from app.bundle.manifest import Input, Output
from app.oip.data_plane import InferAnswer
from app.oip.schema import (
    ConfiguredTensor,
    ModelConfiguration,
    ModelMetadata,
    ParameterValue,
    StatisticDuration,
    StatisticsList,
    TensorMetadata,
    VersionStatistics,
)
from app.oip.signature import ModelSignature
from app.oip.statistics import ModelStatistics

PLATFORM = "onnxruntime_onnx"
"""Name of the platform, as in Triton and KServe."""
BACKEND = "onnxruntime"
PACKED = "packed_input"
"""Parameter of a model's configuration: name of the one tensor that may stand for all inputs."""

MAX_WARNINGS = 1000
"""Maximum number of warnings in an answer; ``warnings_total`` has the total number."""


def metadata_of(signature: ModelSignature, versions: Sequence[str]) -> ModelMetadata:
    """A model's metadata.

    Args:
        signature: Signature of the version.
        versions: All versions of the model.
    """
    manifest = signature.manifest
    return {
        "name": manifest.name,
        "versions": list(versions),
        "platform": PLATFORM,
        "inputs": [_tensor(declared) for declared in manifest.inputs],
        "outputs": [_tensor(declared) for declared in manifest.outputs],
    }


def _tensor(declared: Input | Output) -> TensorMetadata:
    return {"name": declared.name, "datatype": declared.datatype, "shape": list(declared.shape)}


def config_of(signature: ModelSignature) -> ModelConfiguration:
    """A version's configuration, in Triton's terms."""
    manifest = signature.manifest
    parameters: dict[str, ParameterValue] = (
        {} if signature.packed is None else {PACKED: {"string_value": signature.packed.name}}
    )
    return {
        "name": manifest.name,
        "platform": PLATFORM,
        "backend": BACKEND,
        "version_policy": {"specific": {"versions": [int(manifest.version)]}},
        "max_batch_size": 0,
        "input": [_configured(declared) for declared in manifest.inputs],
        "output": [_configured(declared) for declared in manifest.outputs],
        "parameters": parameters,
    }


def _configured(declared: Input | Output) -> ConfiguredTensor:
    return {"name": declared.name, "data_type": f"TYPE_{declared.datatype}", "dims": list(declared.shape)}


def statistics_of(statistics: Sequence[ModelStatistics]) -> StatisticsList:
    """Statistics of versions, in Triton's terms. There is no queue, so queue times are 0."""
    return {"model_stats": [_statistics(each) for each in statistics]}


def _statistics(each: ModelStatistics) -> VersionStatistics:
    nanoseconds = round(each.seconds * 1e9)
    return {
        "name": each.name,
        "version": each.version,
        "last_inference": round(each.last * 1000),
        "inference_count": each.rows,
        "execution_count": each.executions,
        "inference_stats": {
            "success": _duration(each.executions, nanoseconds),
            "fail": _duration(each.failures, 0),
            "queue": _duration(each.executions, 0),
            "compute_input": _duration(each.executions, 0),
            "compute_infer": _duration(each.executions, nanoseconds),
            "compute_output": _duration(each.executions, 0),
        },
        "batch_stats": [],
    }


def _duration(count: int, nanoseconds: int) -> StatisticDuration:
    return {"count": count, "ns": nanoseconds}


def warnings_of(answer: InferAnswer) -> dict[str, str | int]:
    """The response parameters for an answer's warnings; empty if there are no warnings.

    Parameters cannot hold lists, so ``warnings`` is a JSON array as text, of objects with ``row``, ``code``,
    ``message`` and ``field``. If the array is cut, ``warnings_total`` has the number of warnings.
    """
    if not answer.warnings:
        return {}
    warnings = [{"row": row, **warning} for row, warning in answer.warnings[:MAX_WARNINGS]]
    total = {"warnings_total": len(answer.warnings)} if len(warnings) < len(answer.warnings) else {}
    return {"warnings": to_json(warnings).decode(), **total}
