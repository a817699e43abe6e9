"""tritonclient over HTTP, as its users write it: makes every call with what stdin tells, and prints what it got.

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


async def got(value: Any) -> Any:
    """What a call of either client comes to."""
    return await value if inspect.isawaitable(value) else value


def named(model: Model, binary: bool) -> list[Any]:
    """One input a column."""
    columns = np.array(model["rows"], np.float32).T
    inputs = []
    for name, column in zip(model["names"], columns, strict=True):
        inputs.append(triton.InferInput(name, [len(column), 1], "FP32"))
        inputs[-1].set_data_from_numpy(np.ascontiguousarray(column[:, None]), binary_data=binary)
    return inputs


def packed(model: Model, binary: bool) -> list[Any]:
    """One input for all columns."""
    rows = np.array(model["rows"], np.float32)
    tensor = triton.InferInput(model["packed"], list(rows.shape), "FP32")
    tensor.set_data_from_numpy(rows, binary_data=binary)
    return [tensor]


def wanted(model: Model, *binary: bool) -> list[Any]:
    """The outputs, the last one first, some as bytes and some as JSON."""
    return [
        triton.InferRequestedOutput(name, binary_data=kind)
        for name, kind in zip(model["outputs"][::-1], binary, strict=False)
    ]


def told(result: Any) -> dict[str, Any]:
    """An answer: what stands beside the outputs, and each output as numpy has it."""
    response = result.get_response()
    names = [output["name"] for output in response["outputs"]]
    arrays = {name: result.as_numpy(name) for name in names}
    outputs = {name: [str(array.dtype), array.shape, array.tolist()] for name, array in arrays.items()}
    return {**response, "names": names, "outputs": outputs}


async def refused(call: Any) -> list[str]:
    """Status and message of a call that fails."""
    try:
        await got(call())
    except InferenceServerException as error:
        return [error.status(), error.message()]
    raise AssertionError("it was answered")


async def infer_each(client: Any, name: str, model: Model, key: dict[str, str]) -> dict[str, Any]:
    """Every way to send and to ask."""
    ways: dict[str, tuple[list[Any], dict[str, Any]]] = {
        "binary": (named(model, True), {}),
        "JSON": (named(model, False), {"outputs": wanted(model, False, False, False)}),
        "packed": (packed(model, True), {"request_id": "one", "model_version": "1"}),
        "packed JSON": (packed(model, False), {}),
        "mixed": (named(model, True), {"outputs": wanted(model, True, False)}),
        "one output": (packed(model, True), {"outputs": wanted(model, True)}),
        "gzip": (named(model, True), {"request_compression_algorithm": "gzip"}),
        "deflate": (
            packed(model, False),
            {"request_compression_algorithm": "deflate", "response_compression_algorithm": "gzip"},
        ),
    }
    return {
        way: told(await got(client.infer(name, inputs, headers={**key}, **more)))  # it writes into what it is given
        for way, (inputs, more) in ways.items()
    }


async def tour(client: Any, asked: dict[str, Any]) -> dict[str, Any]:
    """Every call."""
    key, admin = {"X-API-Key": asked["key"]}, {"X-API-Key": asked["admin"]}
    models: dict[str, Model] = asked["models"]
    name, model = next(iter(models.items()))
    report: dict[str, Any] = {
        "live": await got(client.is_server_live()),
        "ready": await got(client.is_server_ready()),
        "model ready": [await got(client.is_model_ready(each, headers=key)) for each in models],
        "version ready": await got(client.is_model_ready(name, "1", headers=key)),
        "no version ready": await got(client.is_model_ready(name, "7", headers=key)),
        "server": await got(client.get_server_metadata(headers=key)),
        "metadata": {each: await got(client.get_model_metadata(each, headers=key)) for each in models},
        "version metadata": await got(client.get_model_metadata(name, "1", headers=key)),
        "config": {each: await got(client.get_model_config(each, headers=key)) for each in models},
        "version config": await got(client.get_model_config(name, "1", headers=key)),
        "infer": {each: await infer_each(client, each, held, key) for each, held in models.items()},
        "index": await got(client.get_model_repository_index(headers=key)),
        "statistics": await got(client.get_inference_statistics(headers=key)),
        "model statistics": await got(client.get_inference_statistics(name, headers=key)),
        "version statistics": await got(client.get_inference_statistics(name, "1", headers=key)),
        "no key": await refused(lambda: client.get_model_metadata(name)),
        "no model": await refused(lambda: client.infer("wine", packed(model, True), headers={**key})),
        "no version": await refused(lambda: client.infer(name, packed(model, True), "7", headers={**key})),
        "half": await refused(lambda: client.infer(name, named(model, True)[1:], headers={**key})),
        "no scope": await refused(lambda: client.unload_model(name, headers=key)),
        "unknown load": await refused(lambda: client.load_model("wine", headers=admin)),
    }
    await got(client.unload_model(name, headers=admin))
    report["unloaded"] = {
        "ready": await got(client.is_model_ready(name, headers=key)),
        "infer": await refused(lambda: client.infer(name, packed(model, True), headers={**key})),
        "index": await got(client.get_model_repository_index(headers=key)),
    }
    await got(client.load_model(name, headers=admin))
    report["loaded"] = {
        "ready": await got(client.is_model_ready(name, headers=key)),
        "infer": told(await got(client.infer(name, packed(model, True), headers={**key}))),
    }
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
