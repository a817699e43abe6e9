"""tritonclient over HTTP: it makes every call with the arguments from stdin and prints the results.

`python -m tests.live.clients.triton_http sync|aio` reads ``{"url", "key", "admin", "models": {name: {"names", "packed",
"rows", "outputs"}}}``.
"""

import asyncio
import inspect
import json
import sys
from typing import Any

import numpy as np
import tritonclient.http as triton
import tritonclient.http.aio as triton_aio
from tritonclient.utils import InferenceServerException

Model = dict[str, Any]


async def resolve(value: Any) -> Any:
    """Return the result of a call of the synchronous or the asynchronous client."""
    return await value if inspect.isawaitable(value) else value


def named(model: Model, binary: bool) -> list[Any]:
    """Return one input per column."""
    columns = np.array(model["rows"], np.float32).T
    inputs = []
    for name, column in zip(model["names"], columns, strict=True):
        inputs.append(triton.InferInput(name, [len(column), 1], "FP32"))
        inputs[-1].set_data_from_numpy(np.ascontiguousarray(column[:, None]), binary_data=binary)
    return inputs


def packed(model: Model, binary: bool) -> list[Any]:
    """Return one input for all columns."""
    rows = np.array(model["rows"], np.float32)
    tensor = triton.InferInput(model["packed"], list(rows.shape), "FP32")
    tensor.set_data_from_numpy(rows, binary_data=binary)
    return [tensor]


def requested_outputs(model: Model, *binary: bool) -> list[Any]:
    """Return requests for the outputs in reverse order, each as binary data or as JSON."""
    return [
        triton.InferRequestedOutput(name, binary_data=kind)
        for name, kind in zip(model["outputs"][::-1], binary, strict=False)
    ]


def summary(result: Any) -> dict[str, Any]:
    """Return the metadata of a response, and each output as NumPy data type, shape and values."""
    response = result.get_response()
    names = [output["name"] for output in response["outputs"]]
    arrays = {name: result.as_numpy(name) for name in names}
    outputs = {name: [str(array.dtype), array.shape, array.tolist()] for name, array in arrays.items()}
    return {**response, "names": names, "outputs": outputs}


async def error_of(call: Any) -> list[str]:
    """Return the status and message of a call that must fail."""
    try:
        await resolve(call())
    except InferenceServerException as error:
        return [error.status(), error.message()]
    raise AssertionError("the call succeeded")


async def infer_each(client: Any, name: str, model: Model, key: dict[str, str]) -> dict[str, Any]:
    """Call a model with each format of inputs and outputs."""
    ways: dict[str, tuple[list[Any], dict[str, Any]]] = {
        "binary": (named(model, True), {}),
        "JSON": (named(model, False), {"outputs": requested_outputs(model, *[False] * len(model["outputs"]))}),
        "packed": (packed(model, True), {"request_id": "one", "model_version": model["version"]}),
        "packed JSON": (packed(model, False), {}),
        "mixed": (named(model, True), {"outputs": requested_outputs(model, True, False)}),
        "one output": (packed(model, True), {"outputs": requested_outputs(model, True)}),
        "gzip": (named(model, True), {"request_compression_algorithm": "gzip"}),
        "deflate": (
            packed(model, False),
            {"request_compression_algorithm": "deflate", "response_compression_algorithm": "gzip"},
        ),
    }
    return {
        # A copy of the headers, because the client modifies them.
        way: summary(await resolve(client.infer(name, inputs, headers={**key}, **more)))
        for way, (inputs, more) in ways.items()
    }


async def make_all_calls(client: Any, arguments: dict[str, Any]) -> dict[str, Any]:
    """Make every call and return the results by case."""
    key, admin = {"X-API-Key": arguments["key"]}, {"X-API-Key": arguments["admin"]}
    models: dict[str, Model] = arguments["models"]
    name, model = next(iter(models.items()))
    report: dict[str, Any] = {
        "live": await resolve(client.is_server_live()),
        "ready": await resolve(client.is_server_ready()),
        "model ready": [await resolve(client.is_model_ready(model_name, headers=key)) for model_name in models],
        "version ready": await resolve(client.is_model_ready(name, model["version"], headers=key)),
        "no version ready": await resolve(client.is_model_ready(name, "7", headers=key)),
        "server": await resolve(client.get_server_metadata(headers=key)),
        "metadata": {
            model_name: await resolve(client.get_model_metadata(model_name, headers=key)) for model_name in models
        },
        "version metadata": await resolve(client.get_model_metadata(name, model["version"], headers=key)),
        "config": {
            model_name: await resolve(client.get_model_config(model_name, headers=key)) for model_name in models
        },
        "version config": await resolve(client.get_model_config(name, model["version"], headers=key)),
        "infer": {
            model_name: await infer_each(client, model_name, fields, key) for model_name, fields in models.items()
        },
        "index": await resolve(client.get_model_repository_index(headers=key)),
        "statistics": await resolve(client.get_inference_statistics(headers=key)),
        "model statistics": await resolve(client.get_inference_statistics(name, headers=key)),
        "version statistics": await resolve(client.get_inference_statistics(name, model["version"], headers=key)),
        "no key": await error_of(lambda: client.get_model_metadata(name)),
        "no model": await error_of(lambda: client.infer("wine", packed(model, True), headers={**key})),
        "no version": await error_of(lambda: client.infer(name, packed(model, True), "7", headers={**key})),
        "half": await error_of(lambda: client.infer(name, named(model, True)[2:], headers={**key})),
        "no scope": await error_of(lambda: client.unload_model(name, headers=key)),
        "unknown load": await error_of(lambda: client.load_model("wine", headers=admin)),
    }
    await resolve(client.unload_model(name, headers=admin))
    report["unloaded"] = {
        "ready": await resolve(client.is_model_ready(name, headers=key)),
        "infer": await error_of(lambda: client.infer(name, packed(model, True), headers={**key})),
        "index": await resolve(client.get_model_repository_index(headers=key)),
    }
    await resolve(client.load_model(name, headers=admin))
    report["loaded"] = {
        "ready": await resolve(client.is_model_ready(name, headers=key)),
        "infer": summary(await resolve(client.infer(name, packed(model, True), headers={**key}))),
    }
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
