"""tritonclient over gRPC, as its users write it: makes every call with what stdin tells, and prints what it got.

`python -m tests.live.clients.triton_grpc sync|aio` reads ``{"url", "key", "admin", "models": {name: {"names", "packed",
"rows", "outputs"}}}``.
"""

import asyncio
import inspect
import json
import sys
from typing import Any

import numpy as np
import tritonclient.grpc as triton
import tritonclient.grpc.aio as triton_aio
from tritonclient.utils import InferenceServerException

Model = dict[str, Any]


async def got(value: Any) -> Any:
    """What a call of either client comes to."""
    return await value if inspect.isawaitable(value) else value


def tensor(name: str, rows: Any) -> Any:
    """An input."""
    made = triton.InferInput(name, list(rows.shape), "FP32")
    made.set_data_from_numpy(rows)
    return made


def named(model: Model) -> list[Any]:
    """One input a column."""
    columns = np.array(model["rows"], np.float32).T
    return [tensor(name, np.ascontiguousarray(c[:, None])) for name, c in zip(model["names"], columns, strict=True)]


def packed(model: Model) -> list[Any]:
    """One input for all columns."""
    return [tensor(model["packed"], np.array(model["rows"], np.float32))]


def told(result: Any) -> dict[str, Any]:
    """An answer: what stands beside the outputs, and each output as numpy has it."""
    response = result.get_response()
    arrays = {output.name: result.as_numpy(output.name) for output in response.outputs}
    return {
        "model_name": response.model_name,
        "model_version": response.model_version,
        "id": response.id,
        "warnings": len(json.loads(response.parameters["warnings"].string_param)) if response.parameters else 0,
        "outputs": {name: [str(array.dtype), [*array.shape], array.tolist()] for name, array in arrays.items()},
    }


async def refused(call: Any) -> list[str]:
    """Status and message of a call that fails."""
    try:
        await got(call())
    except InferenceServerException as error:
        return [error.status(), error.message()]
    raise AssertionError("it was answered")


async def infer_each(client: Any, name: str, model: Model, key: dict[str, str]) -> dict[str, Any]:
    """Every way to send and to ask."""
    last = [triton.InferRequestedOutput(model["outputs"][-1])]
    ways: dict[str, tuple[list[Any], dict[str, Any]]] = {
        "named": (named(model), {}),
        "packed": (packed(model), {"request_id": "one", "model_version": "1"}),
        "one output": (packed(model), {"outputs": last}),
        "gzip": (named(model), {"compression_algorithm": "gzip"}),
        "deflate": (packed(model), {"compression_algorithm": "deflate"}),
        "in time": (packed(model), {"client_timeout": 20.0}),
    }
    return {
        way: told(await got(client.infer(name, inputs, headers=key, **more))) for way, (inputs, more) in ways.items()
    }


async def tour(client: Any, asked: dict[str, Any]) -> dict[str, Any]:
    """Every call."""
    key, admin = {"x-api-key": asked["key"]}, {"x-api-key": asked["admin"]}
    models: dict[str, Model] = asked["models"]
    name, model = next(iter(models.items()))
    shown = {"headers": key, "as_json": True}
    report: dict[str, Any] = {
        "live": await got(client.is_server_live()),
        "ready": await got(client.is_server_ready()),
        "model ready": [await got(client.is_model_ready(each, headers=key)) for each in models],
        "server": await got(client.get_server_metadata(**shown)),
        "metadata": {each: await got(client.get_model_metadata(each, **shown)) for each in models},
        "config": {each: await got(client.get_model_config(each, **shown)) for each in models},
        "infer": {each: await infer_each(client, each, held, key) for each, held in models.items()},
        "index": await got(client.get_model_repository_index(**shown)),
        "statistics": await got(client.get_inference_statistics(**shown)),
        "no key": await refused(lambda: client.get_model_metadata(name)),
        "no model": await refused(lambda: client.infer("wine", packed(model), headers=key)),
        "no version": await refused(lambda: client.infer(name, packed(model), "7", headers=key)),
        "half": await refused(lambda: client.infer(name, named(model)[1:], headers=key)),
        "twice": await refused(lambda: client.infer(name, packed(model) * 2, headers=key)),
        "no scope": await refused(lambda: client.unload_model(name, headers=key)),
        "unknown load": await refused(lambda: client.load_model("wine", headers=admin)),
    }
    await got(client.unload_model(name, headers=admin))
    report["unloaded"] = {
        "ready": await got(client.is_model_ready(name, headers=key)),
        "infer": await refused(lambda: client.infer(name, packed(model), headers=key)),
    }
    await got(client.load_model(name, headers=admin))
    report["loaded"] = told(await got(client.infer(name, packed(model), headers=key)))
    return report


async def main() -> None:
    """One client's tour."""
    asked = json.load(sys.stdin)
    kind = triton_aio if sys.argv[1] == "aio" else triton
    client = kind.InferenceServerClient(asked["url"])
    try:
        print(json.dumps(await tour(client, asked)))
    finally:
        await got(client.close())


asyncio.run(main())
