"""tritonclient over gRPC: it makes every call with the arguments from stdin and prints the results.

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


async def resolve(value: Any) -> Any:
    """Return the result of a call of the synchronous or the asynchronous client."""
    return await value if inspect.isawaitable(value) else value


def tensor(name: str, rows: Any) -> Any:
    """Return an input tensor."""
    infer_input = triton.InferInput(name, list(rows.shape), "FP32")
    infer_input.set_data_from_numpy(rows)
    return infer_input


def named(model: Model) -> list[Any]:
    """Return one input per column."""
    columns = np.array(model["rows"], np.float32).T
    return [tensor(name, np.ascontiguousarray(c[:, None])) for name, c in zip(model["names"], columns, strict=True)]


def packed(model: Model) -> list[Any]:
    """Return one input for all columns."""
    return [tensor(model["packed"], np.array(model["rows"], np.float32))]


def summary(result: Any) -> dict[str, Any]:
    """Return the metadata of a response, and each output as NumPy data type, shape and values."""
    response = result.get_response()
    arrays = {output.name: result.as_numpy(output.name) for output in response.outputs}
    return {
        "model_name": response.model_name,
        "model_version": response.model_version,
        "id": response.id,
        "warnings": len(json.loads(response.parameters["warnings"].string_param)) if response.parameters else 0,
        "outputs": {name: [str(array.dtype), [*array.shape], array.tolist()] for name, array in arrays.items()},
    }


async def error_of(call: Any) -> list[str]:
    """Return the status and message of a call that must fail."""
    try:
        await resolve(call())
    except InferenceServerException as error:
        return [error.status(), error.message()]
    raise AssertionError("the call succeeded")


async def infer_each(client: Any, name: str, model: Model, key: dict[str, str]) -> dict[str, Any]:
    """Call a model with each format of inputs and outputs."""
    last = [triton.InferRequestedOutput(model["outputs"][-1])]
    ways: dict[str, tuple[list[Any], dict[str, Any]]] = {
        "named": (named(model), {}),
        "packed": (packed(model), {"request_id": "one", "model_version": model["version"]}),
        "one output": (packed(model), {"outputs": last}),
        "gzip": (named(model), {"compression_algorithm": "gzip"}),
        "deflate": (packed(model), {"compression_algorithm": "deflate"}),
        "in time": (packed(model), {"client_timeout": 20.0}),
    }
    return {
        way: summary(await resolve(client.infer(name, inputs, headers=key, **more)))
        for way, (inputs, more) in ways.items()
    }


async def make_all_calls(client: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """Make every call and return the results by case."""
    key, admin = {"x-api-key": arguments["key"]}, {"x-api-key": arguments["admin"]}
    models: dict[str, Model] = arguments["models"]
    name, model = next(iter(models.items()))
    options = {"headers": key, "as_json": True}
    report: dict[str, Any] = {
        "live": await resolve(client.is_server_live()),
        "ready": await resolve(client.is_server_ready()),
        "model ready": [await resolve(client.is_model_ready(model_name, headers=key)) for model_name in models],
        "server": await resolve(client.get_server_metadata(**options)),
        "metadata": {
            model_name: await resolve(client.get_model_metadata(model_name, **options)) for model_name in models
        },
        "config": {model_name: await resolve(client.get_model_config(model_name, **options)) for model_name in models},
        "infer": {
            model_name: await infer_each(client, model_name, fields, key) for model_name, fields in models.items()
        },
        "index": await resolve(client.get_model_repository_index(**options)),
        "statistics": await resolve(client.get_inference_statistics(**options)),
        "no key": await error_of(lambda: client.get_model_metadata(name)),
        "no model": await error_of(lambda: client.infer("wine", packed(model), headers=key)),
        "no version": await error_of(lambda: client.infer(name, packed(model), "7", headers=key)),
        "half": await error_of(lambda: client.infer(name, named(model)[2:], headers=key)),
        "twice": await error_of(lambda: client.infer(name, packed(model) * 2, headers=key)),
        "no scope": await error_of(lambda: client.unload_model(name, headers=key)),
        "unknown load": await error_of(lambda: client.load_model("wine", headers=admin)),
    }
    await resolve(client.unload_model(name, headers=admin))
    report["unloaded"] = {
        "ready": await resolve(client.is_model_ready(name, headers=key)),
        "infer": await error_of(lambda: client.infer(name, packed(model), headers=key)),
    }
    await resolve(client.load_model(name, headers=admin))
    report["loaded"] = summary(await resolve(client.infer(name, packed(model), headers=key)))
    return report


async def main() -> None:
    """Make every call with one client and print the results."""
    arguments = json.load(sys.stdin)
    kind = triton_aio if sys.argv[1] == "aio" else triton
    client = kind.InferenceServerClient(arguments["url"])
    try:
        print(json.dumps(await make_all_calls(client, arguments)))
    finally:
        await resolve(client.close())


asyncio.run(main())
