"""What the Open Inference Protocol tells of models, as the JSON that REST sends and gRPC's messages take."""

from collections.abc import Sequence

from pydantic import JsonValue
from pydantic_core import to_json

from app.bundle.manifest import Input, Output
from app.oip.data_plane import InferAnswer
from app.oip.signature import Contract
from app.oip.statistics import ModelStatistics

PLATFORM = "onnxruntime_onnx"
"""As Triton and KServe name it."""
BACKEND = "onnxruntime"
PACKED = "packed_input"
"""Parameter in a model's configuration: the one tensor that may be sent in place of all inputs."""

MOST_WARNINGS = 1000
"""Warnings that are told; their number is."""

Description = dict[str, JsonValue]


def metadata_of(contract: Contract, versions: Sequence[str]) -> Description:
    """A model's metadata.

    Args:
        contract: Of the version asked for.
        versions: All that can be asked for.
    """
    manifest = contract.manifest
    return {
        "name": manifest.name,
        "versions": list(versions),
        "platform": PLATFORM,
        "inputs": [_tensor(declared) for declared in manifest.inputs],
        "outputs": [_tensor(declared) for declared in manifest.outputs],
    }


def _tensor(declared: Input | Output) -> Description:
    return {"name": declared.name, "datatype": declared.datatype, "shape": list(declared.shape)}


def config_of(contract: Contract) -> Description:
    """A version's configuration, in Triton's words."""
    manifest = contract.manifest
    parameters: Description = {} if contract.packed is None else {PACKED: {"string_value": contract.packed.name}}
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


def _configured(declared: Input | Output) -> Description:
    return {"name": declared.name, "data_type": f"TYPE_{declared.datatype}", "dims": list(declared.shape)}


def statistics_of(statistics: Sequence[ModelStatistics]) -> Description:
    """What versions were asked, in Triton's words; nothing waits in a queue of its own here."""
    return {"model_stats": [_statistics(each) for each in statistics]}


def _statistics(each: ModelStatistics) -> Description:
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


def _duration(count: int, nanoseconds: int) -> Description:
    return {"count": count, "ns": nanoseconds}


def warnings_of(answer: InferAnswer) -> dict[str, str | int]:
    """Parameters that tell an answer's warnings; none where there are none.

    Parameters hold no lists, so ``warnings`` is a JSON array as text, of objects with ``row``, ``code``, ``message``
    and ``field``; where there are more than it tells, ``warnings_total`` says how many.
    """
    if not answer.warnings:
        return {}
    told = [{"row": row, **warning} for row, warning in answer.warnings[:MOST_WARNINGS]]
    total = {"warnings_total": len(answer.warnings)} if len(told) < len(answer.warnings) else {}
    return {"warnings": to_json(told).decode(), **total}
