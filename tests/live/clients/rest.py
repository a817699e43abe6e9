"""Calls in the shapes that KServe's and MLServer's own clients send over REST, with the standard library alone.

`python -m tests.live.clients.rest kserve|kserve-binary|mlserver` reads ``{"url", "key", "model", "names", "rows"}`` and
prints the answer.
"""

import json
import struct
import sys
import urllib.request
from typing import Any


def kserve(asked: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """KServe's: the model's name and empty parameters beside the inputs, flat data."""
    inputs = [
        {"name": name, "shape": [len(column), 1], "datatype": "FP32", "data": list(column), "parameters": {}}
        for name, column in zip(asked["names"], zip(*asked["rows"], strict=True), strict=True)
    ]
    return {"id": "an-id", "model_name": asked["model"], "inputs": inputs, "parameters": {}}, b""


def kserve_binary(asked: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """KServe's with raw contents, which it asks for in the answer too."""
    inputs, raw = [], b""
    for name, column in zip(asked["names"], zip(*asked["rows"], strict=True), strict=True):
        data = struct.pack(f"<{len(column)}f", *column)
        parameters = {"binary_data_size": len(data)}
        inputs.append({"name": name, "shape": [len(column), 1], "datatype": "FP32", "parameters": parameters})
        raw += data
    parameters = {"binary_data_output": True}
    return {"id": "an-id", "model_name": asked["model"], "inputs": inputs, "parameters": parameters}, raw


def mlserver(asked: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """MLServer's: a null for whatever is not set, the codec's name in the parameters, nested data."""
    inputs = [
        {
            "name": name,
            "shape": [len(column), 1],
            "datatype": "FP32",
            "parameters": {"content_type": "np", "headers": None},
            "data": [[value] for value in column],
        }
        for name, column in zip(asked["names"], zip(*asked["rows"], strict=True), strict=True)
    ]
    return {"id": None, "parameters": {"content_type": "pd"}, "inputs": inputs, "outputs": None}, b""


def main() -> None:
    """One call."""
    asked = json.load(sys.stdin)
    message, raw = {"kserve": kserve, "kserve-binary": kserve_binary, "mlserver": mlserver}[sys.argv[1]](asked)
    text = json.dumps(message).encode()
    headers = {"X-API-Key": asked["key"], "Content-Type": "application/json"}
    if raw:
        headers |= {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(len(text))}
    target = f"http://{asked['url']}/v2/models/{asked['model']}/infer"
    with urllib.request.urlopen(urllib.request.Request(target, text + raw, headers), timeout=30) as answer:
        body = answer.read()
        length = int(answer.headers.get("Inference-Header-Content-Length") or len(body))
    told, rest = json.loads(body[:length]), body[length:]
    for output in told["outputs"] if raw else ():
        size = output["parameters"]["binary_data_size"]
        kind = {"FP32": "<f", "INT64": "<q"}[output["datatype"]]
        output["data"] = [value for (value,) in struct.iter_unpack(kind, rest[:size])]
        rest = rest[size:]
    print(json.dumps(told))


main()
