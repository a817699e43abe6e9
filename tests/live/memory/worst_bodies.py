"""The most expensive bodies that the limits allow, for each route and gRPC method.

A route or method that the program has, and that is not listed here, fails the test.
"""

import gzip
import io
import json
from collections.abc import Iterator

import numpy as np
from PIL import Image

from app.rest.body import json_cost
from app.rest.oip.messages import JSON_LENGTH, tensors_cost
from app.rpc._pb import iris_pb2, open_inference_pb2
from app.runtime.memory_budget import DEFAULT_LIMIT
from tests.committed import VERSIONS
from tests.known import BEER, KEY
from tests.live.wire import request

MEGABYTE = 1_000_000
Bodies = dict[str, bytes]
"""Whole requests over HTTP, or gRPC messages, by what is expensive about them."""
KEY_HEADER = ("X-API-Key", KEY)
BATCHES = 8 * MEGABYTE
PICTURES = 12 * MEGABYTE
MESSAGE = 4_190_000
"""Bytes of the largest gRPC message."""
REFERENCE = [
    {**BEER, "ibu": 40.0, "hops": [{"name": "\ufdfa" * 80, "amount_g": 0.001, "stage": "end"}] * 50} for _ in range(50)
]
"""Reference beers with as many hops of names that take long to look up as the schema allows."""
_ELEMENTS = (b"[]", b"{}", b"[1]", b'{"a":1}', b'"a"', b"1", b"[" * 100 + b"]" * 100)


def _elements(path: str, size: int, start: bytes, end: bytes, cost: object = json_cost) -> Bodies:
    """Bodies of many elements: as many as the size allows, and as many as fit half the memory budget."""
    bodies = {}
    for element in _ELEMENTS:
        each = cost(element + b",")  # type: ignore[operator]
        for part, most in ("", size), (" that fit", DEFAULT_LIMIT // 2 // each * (len(element) + 1)):
            count = (min(size, most) - len(start) - len(end)) // (len(element) + 1)
            body = start + b",".join([element] * count) + end
            bodies[f"{element[:8].decode()}{part}"] = request("POST", path, [KEY_HEADER], body)
    return bodies


def _beer() -> Bodies:
    hops = [{"name": "N" * 80, "amount_g": 1.0, "boil_minutes": 1.0}] * 50
    bodies = _elements("/predict", MEGABYTE, b'{"hops":[', b"]}")
    bodies["hop bill"] = _json("/predict", {**BEER, "explain": True, "hops": hops})
    bodies["reference beers"] = _json("/predict", {**BEER, "hops": hops, "reference": REFERENCE})
    return bodies


def _json(path: str, body: object) -> bytes:
    return request("POST", path, [KEY_HEADER], json.dumps(body, ensure_ascii=False).encode())


def _batch() -> Bodies:
    odd = {**BEER, "abv": 17.0, "ebc": 120.0, "srm": 60.9, "ph": 3.1, "target_og": 1140.0}
    hops = [{"name": "\ufdfa" * 30, "amount_g": 1.0, "stage": "middle"}] * 50
    bodies = _elements("/predict/batch", BATCHES, b'{"beers":[', b"]}")
    bodies["warnings"] = _json("/predict/batch", {"beers": [odd] * 1000})
    bodies["reference beers"] = _json("/predict/batch", {"beers": [{**BEER, "hops": hops}], "reference": REFERENCE})
    for name, count in ("hop bills that fit", 400), ("hop bills", 800):
        bodies[name] = _json("/predict/batch", {"beers": [{**odd, "hops": hops}] * count})
    return bodies


def _recipes() -> Bodies:
    hop = {"name": "\ufdfa" * 30, "amount": {"value": 1.0, "unit": "grams"}, "add": "middle"}
    punk = {"abv": 5.0, "target_og": 1050, "target_fg": 1010, "ingredients": {"hops": [hop] * 50}}
    element = b"<HOP><NAME>a</NAME><AMOUNT>1</AMOUNT></HOP>"
    xml = b"<RECIPE><OG>1.05</OG><FG>1.01</FG><BATCH_SIZE>20</BATCH_SIZE><HOPS>" + element * 50 + b"</HOPS></RECIPE>"
    files = {
        "Punk documents": json.dumps([punk] * 90, ensure_ascii=False).encode(),
        "BeerXML": b"<RECIPES>" + xml * 100 + b"</RECIPES>",
        "empty elements": b"<RECIPES>" + b"<A/>" * 49_000 + b"</RECIPES>",
        "one text": b"<RECIPES><NAME>" + b"a" * 900_000 + b"</NAME></RECIPES>",
    }
    bodies = _elements("/recipes", MEGABYTE, b"[", b"]")
    for name, file in files.items():
        assert len(file) < MEGABYTE, name
        bodies[f"rows of {name}"] = request("POST", "/recipes?explain=true", [KEY_HEADER], file)
    return bodies


def _recipe_as_beerjson() -> Bodies:
    hops = [{"name": "\ufdfa" * 80, "amount_g": 1.0, "stage": "end"}] * 50
    bodies = _elements("/recipes/beerjson", MEGABYTE, b'{"beer":{"hops":[', b"]}}")
    bodies["hop bill"] = _json("/recipes/beerjson", {"beer": {**BEER, "hops": hops}})
    bodies["reference beers"] = _json("/recipes/beerjson", {"beer": {**BEER, "hops": hops, "reference": REFERENCE}})
    return bodies


def _solve(path: str) -> Bodies:
    hops = [{"name": "N" * 80, "amount_g": 1.0, "boil_minutes": 1.0}] * 50
    question = {"beer": {**BEER, "hops": hops, "explain": True}, "target": {"style": "21A"}}
    if path == "/solve":
        bodies = _elements(path, MEGABYTE, b'{"beer":{"hops":[', b"]}}")
        bodies["additions"] = _json(path, question)
        return bodies
    bodies = _elements(path, MEGABYTE, b'{"questions":[', b"]}")
    bodies["rows of additions"] = _json(path, {"questions": [question] * 20})
    return bodies


def _picture(kind: str, size: tuple[int, int], **options: object) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size).save(file, kind, **options)
    return file.getvalue()


def _pictures(path: str) -> Bodies:
    bodies = {}
    for name, kind, size, options in (
        ("progressive JPEG", "JPEG", (5200, 5000), {"progressive": True, "subsampling": 0}),
        ("JPEG", "JPEG", (8000, 5000), {}),
        ("PNG", "PNG", (5000, 4000), {}),
        ("WebP", "WEBP", (3160, 3160), {}),
    ):
        file = _picture(kind, size, **options)
        bodies[name] = request("POST", path, [KEY_HEADER, ("Content-Type", f"image/{kind.lower()}")], file)
        if name == "PNG":
            large = file + bytes(11 * MEGABYTE - len(file))
            form = b'--b\r\nContent-Disposition: form-data; name="image"\r\n\r\n' + large + b"\r\n--b--\r\n"
            kind = "multipart/form-data; boundary=b"
            bodies["form"] = request("POST", path, [KEY_HEADER, ("Content-Type", kind)], form)
    bodies["Base64"] = request("POST", path, [KEY_HEADER], b'{"image":"' + b"iVBO" * 2_900_000 + b'"}')
    return bodies | _elements(path, PICTURES, b'{"image":[', b"]}")


def _binary(path: str, name: str, array: np.ndarray, compress: bool = False, answer: str = "") -> bytes:
    tensor = {"name": name, "datatype": "FP32", "shape": array.shape, "parameters": {"binary_data_size": array.nbytes}}
    head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": bool(answer)}}).encode()
    body, headers = head + array.tobytes(), [KEY_HEADER, (JSON_LENGTH.decode(), str(len(head)))]
    if compress:
        body, headers = gzip.compress(body, 1), [*headers, ("Content-Encoding", "gzip")]
    return request("POST", path, headers, body)


def _infer(version: str) -> Bodies:
    bodies: Bodies = {}
    start = b'{"inputs":[{"name":"features","shape":[1,6],"datatype":"FP32","data":['
    path = f"/v2/models/beer-ibu{version}/infer"
    bodies |= _elements(path, BATCHES, start, b"]}]}", tensors_cost)
    bodies["gzip"] = request(
        "POST", path, [KEY_HEADER, ("Content-Encoding", "gzip")], gzip.compress(start + b"[]," * 2_600_000 + b"1]}]}")
    )
    for model, row in (
        ("beer-ibu", (19.0, 1150.0, 1000.0, 150.0, 1.0, 3.1)),
        ("beer-ibu-recipe", (19.0, 1150.0, 1000.0, 150.0, 1.0, 3.1, *[0.0] * 22)),
        ("iris", (5.1, 3.5, 1.4, 0.2)),
    ):
        rows = np.array([row] * min(100_000, (BATCHES - 1000) // 4 // len(row)), np.float32)
        path = f"/v2/models/{model}{version}/infer"
        bodies[f"rows of {model}"] = _binary(path, "features", rows)
        bodies[f"rows of {model} in gzip"] = _binary(path, "features", rows, compress=True)
        if model == "iris":
            bodies["rows as JSON"] = request(
                "POST",
                path,
                [KEY_HEADER],
                b'{"inputs":[{"name":"features","shape":[100000,4],"datatype":"FP32","data":['
                + b",".join([b"5,3,1,0"] * 100_000)
                + b"]}]}",
            )
    pixels = np.zeros((40, 128, 128, 3), np.float32)
    bodies["pictures"] = _binary(f"/v2/models/cat-dog{version}/infer", "image", pixels, compress=True)
    return bodies


def _options(path: str) -> Bodies:
    return {"options": request("POST", path, [KEY_HEADER], b'{"parameters":{"a":[' + b"[]," * 3_000 + b"1]}}")}


def _get(path: str) -> Bodies:
    return {"": request("GET", path, [KEY_HEADER])}


ROUTES = {
    "POST /predict": _beer,
    "POST /explain": lambda: {"beer": _json("/explain", BEER), **_elements("/explain", MEGABYTE, b'{"hops":[', b"]}")},
    "POST /predict/batch": _batch,
    "POST /recipes": _recipes,
    "POST /recipes/beerjson": _recipe_as_beerjson,
    "POST /solve": lambda: _solve("/solve"),
    "POST /solve/batch": lambda: _solve("/solve/batch"),
    "POST /iris/predict": lambda: _elements("/iris/predict", MEGABYTE, b'{"petal_length":[', b"]}"),
    "POST /pets/predict": lambda: _pictures("/pets/predict"),
    "POST /cat-dog_classification": lambda: _elements("/cat-dog_classification", PICTURES, b'{"image":[', b"]}"),
    "POST /v2/models/{model}/infer": lambda: _infer(""),
    "POST /v2/models/{model}/versions/{version}/infer": lambda: _infer(f"/versions/{VERSIONS['beer-ibu']}"),
    "POST /v2/repository/index": lambda: _options("/v2/repository/index"),
    "POST /v2/repository/models/{model}/load": lambda: _options("/v2/repository/models/iris/load"),
    # unloading ends the model for the tests that follow
    "POST /v2/repository/models/{model}/unload": lambda: _options("/v2/repository/models/nothing/unload"),
}
"""Routes with a body."""
PATHS = {"{model}": "beer-ibu-recipe", "{version}": VERSIONS["beer-ibu-recipe"]}


def bodies_of(route: str) -> Bodies:
    """Return the worst requests of a route.

    Raises:
        KeyError: If the route has a body, and is not listed here.
    """
    method, _, path = route.partition(" ")
    if method == "GET":
        for name, value in PATHS.items():
            path = path.replace(name, value)
        return _get(path)
    return ROUTES[route]()


def _tensors() -> open_inference_pb2.ModelInferRequest:
    call = open_inference_pb2.ModelInferRequest(model_name="iris")
    call.inputs.add(name="features", datatype="FP32", shape=[65_000, 4])
    return call


def _infer_messages() -> Bodies:
    raw, typed, pixels = _tensors(), _tensors(), open_inference_pb2.ModelInferRequest(model_name="cat-dog")
    raw.raw_input_contents.append(np.ones((65_000, 4), np.float32).tobytes())
    typed.inputs[0].contents.fp32_contents.extend([1.0] * 260_000)
    pixels.inputs.add(name="image", datatype="FP32", shape=[21, 128, 128, 3])
    pixels.raw_input_contents.append(bytes(21 * 128 * 128 * 3 * 4))
    odd = open_inference_pb2.ModelInferRequest(model_name="beer-ibu-recipe")
    rows = np.array([(19.0, 1150.0, 1000.0, 150.0, 1.0, 3.1, *[0.0] * 22)] * 43_000, np.float32)
    odd.inputs.add(name="features", datatype="FP32", shape=rows.shape)
    odd.raw_input_contents.append(rows.tobytes())
    return {
        "raw": raw.SerializeToString(),
        "typed": typed.SerializeToString(),
        "pictures": pixels.SerializeToString(),
        "warnings": odd.SerializeToString(),
        "empty submessages": b"\x2a\x00" * (MESSAGE // 2),
        "empty contents": b"\x3a\x00" * (MESSAGE // 2),
    }


MESSAGES = {"/inference.GRPCInferenceService/ModelInfer": _infer_messages}
"""Methods whose messages may be large."""


def services() -> Iterator[tuple[str, Bodies]]:
    """Yield every method of the inference and iris services with its worst messages."""
    for module in open_inference_pb2, iris_pb2:
        for service in module.DESCRIPTOR.services_by_name.values():
            for method in service.methods:
                route = f"/{service.full_name}/{method.name}"
                worst = MESSAGES.get(route, lambda: {})()
                unknown = {"unknown fields": b"\xfa\x07\x00" * (MESSAGE // 3)}
                yield route, {**worst, **unknown}
