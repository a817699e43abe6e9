"""REST calls in the formats of the KServe and MLServer clients, with the standard library only.

`python -m tests.live.clients.rest kserve|kserve-binary|mlserver` reads ``{"url", "key", "model", "names", "rows"}``
from stdin and prints the response.
"""

import json
import struct
import sys
import urllib.request
from typing import Any


def kserve(arguments: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Return a KServe request: model name, empty parameters and flat data."""
    inputs = [
        {"name": name, "shape": [len(column), 1], "datatype": "FP32", "data": list(column), "parameters": {}}
        for name, column in zip(arguments["names"], zip(*arguments["rows"], strict=True), strict=True)
    ]
    return {"id": "an-id", "model_name": arguments["model"], "inputs": inputs, "parameters": {}}, b""


def kserve_binary(arguments: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Return a KServe request with binary data that requests binary outputs."""
    inputs, raw = [], b""
    for name, column in zip(arguments["names"], zip(*arguments["rows"], strict=True), strict=True):
        data = struct.pack(f"<{len(column)}f", *column)
        parameters = {"binary_data_size": len(data)}
        inputs.append({"name": name, "shape": [len(column), 1], "datatype": "FP32", "parameters": parameters})
        raw += data
    parameters = {"binary_data_output": True}
    return {"id": "an-id", "model_name": arguments["model"], "inputs": inputs, "parameters": parameters}, raw


def mlserver(arguments: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Return an MLServer request: null for unset fields, the codec in the parameters, nested data."""
    inputs = [
        {
            "name": name,
            "shape": [len(column), 1],
            "datatype": "FP32",
            "parameters": {"content_type": "np", "headers": None},
            "data": [[value] for value in column],
        }
        for name, column in zip(arguments["names"], zip(*arguments["rows"], strict=True), strict=True)
    ]
    return {"id": None, "parameters": {"content_type": "pd"}, "inputs": inputs, "outputs": None}, b""


def main() -> None:
    """Send one call and print the response."""
    arguments = json.load(sys.stdin)
    message, raw = {"kserve": kserve, "kserve-binary": kserve_binary, "mlserver": mlserver}[sys.argv[1]](arguments)
    text = json.dumps(message).encode()
    headers = {"X-API-Key": arguments["key"], "Content-Type": "application/json"}
    if raw:
        headers |= {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(len(text))}
    target = f"http://{arguments['url']}/v2/models/{arguments['model']}/infer"
    with urllib.request.urlopen(urllib.request.Request(target, text + raw, headers), timeout=30) as answer:
        body = answer.read()
        length = int(answer.headers.get("Inference-Header-Content-Length") or len(body))
    content, remaining = json.loads(body[:length]), body[length:]
    for output in content["outputs"] if raw else ():
        size = output["parameters"]["binary_data_size"]
        kind = {"FP32": "<f", "INT64": "<q"}[output["datatype"]]
        output["data"] = [value for (value,) in struct.iter_unpack(kind, remaining[:size])]
        remaining = remaining[size:]
    print(json.dumps(content))


main()
