"""Valid inputs to begin with, from the program's own examples; ``python -m tests.fuzz`` adds them to the corpora."""

import gzip
import io
import json
import zlib
from pathlib import Path

import onnx
from PIL import Image

from app.rpc._pb.open_inference_pb2 import ModelInferRequest
from tests.committed import committed
from tests.live.fuzz import RAW, TENSORS, VALID, VITALS
from tests.made_beers import made_beers

_BUNDLE = committed("iris")
_RECIPE_FILES = Path(__file__).parents[1] / "data" / "recipe_files"
_PARENT = b"00-" + b"4" * 32 + b"-" + b"7" * 16 + b"-01"
_KEYS = {
    "format_version": 1,
    "keys": [
        {
            "id": "brewer",
            "sha256": "0" * 64,
            "scopes": ["predict", "metrics"],
            "created": "2026-01-01T00:00:00Z",
            "expires": "2027-01-01T00:00:00+02:00",
            "rate": "10/minute",
        }
    ],
}


def _pictures() -> list[bytes]:
    encoded = []
    for kind, mode, options in (
        ("JPEG", "RGB", {"progressive": True}),
        ("JPEG", "L", {"quality": 5}),
        ("JPEG", "CMYK", {}),
        ("PNG", "RGBA", {}),
        ("PNG", "P", {}),
        ("PNG", "I;16", {}),
        ("WEBP", "RGB", {}),
        ("WEBP", "RGBA", {"lossless": True}),
    ):
        file = io.BytesIO()
        Image.new(mode, (16, 17)).save(file, kind, **options)
        encoded.append(file.getvalue())
    animation = io.BytesIO()
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    frames[0].save(animation, "WEBP", save_all=True, append_images=frames[1:])
    frames[0].save(apng := io.BytesIO(), "PNG", save_all=True, append_images=frames[1:])
    return [*encoded, animation.getvalue(), apng.getvalue()]


def _forms() -> list[bytes]:
    head = b'multipart/form-data; boundary="x y"\n'
    part = b'--x y\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
    return [
        head + part + b"pixels\r\n--x y--\r\n",
        head + b"preamble\r\n" + part.replace(b"image", b"other", 1) + b"\r\n" + part + b"pixels\r\n--x y--epilogue",
    ]


def _calls() -> list[bytes]:
    packed = json.dumps(json.loads(RAW)).encode()
    return [
        b"\0" + TENSORS,
        b"\4" + packed + b"\n" + b"\0" * (4 * len(VITALS)),
        b"\1" + gzip.compress(TENSORS, mtime=0),
        b"\3" + zlib.compress(TENSORS),
    ]


def _messages() -> list[bytes]:
    request = ModelInferRequest(model_name="iris", id="1")
    tensor = request.inputs.add(name="features", datatype="FP32", shape=[1, 4])
    tensor.contents.fp32_contents.extend([5.1, 3.5, 1.4, 0.2])
    tensor.parameters["a"].string_param = "b"
    request.outputs.add(name="class").parameters["binary_data"].bool_param = True
    raw = ModelInferRequest(model_name="iris", raw_input_contents=[bytes(16)])
    return [request.SerializeToString(), raw.SerializeToString(), b"\x2a\0" * 9_000]


def _files() -> list[bytes]:
    table = b'id,name,abv,ebc\r\n1,"Punk, IPA",5.6,17\r\n2,"a ""b""",,\r\n'
    lines = b'{"abv": 5.6}\n{"abv": null}\n'
    german = "sep=;\r\nname;abv;target_og;target_fg;hop1_name;hop2_amount_g;hops\nÄ;5,6;1.056;1013;Magnum;2e1;[{}]\r\n"
    bill = b'abv\ttarget_og\ttarget_fg\tmalt1_name\tmalts\n5\t1050\t1_010\tNA\t[{"name":"Pale Ale","amount_kg":4}]\n'
    spread = b'{\n "abv": 5.6\n}\n{\n "abv": null\n}\n'
    others = [b"null", b"<?xml version='1.0'?>", b"PK\x03\x04xl/", b"abv,abv\n1,2\n", b",abv\n0,5\n"]
    return [
        *(table, lines, lines.replace(b"\n", b""), b'[{"abv": 5.6}, 1]', gzip.compress(table, mtime=0) * 2),
        *(german.encode(), german.encode("utf-16"), bill, spread, *others),
    ]


def _graphs() -> list[bytes]:
    """A graph, and the same with a tensor in another file: at its top, and in a subgraph."""
    plain = onnx.load(_BUNDLE / "model.onnx")
    tensor = onnx.TensorProto(name="w", data_type=1, dims=[1], data_location=onnx.TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=".env")
    top, inside = onnx.ModelProto(), onnx.ModelProto()
    top.CopyFrom(plain)
    top.graph.initializer.append(tensor)
    inside.CopyFrom(plain)
    inside.graph.node.append(onnx.helper.make_node("If", ["c"], ["y"], then_branch=top.graph))
    return [model.SerializeToString(deterministic=True) for model in (plain, top, inside)]


def seeds(target: str) -> list[bytes]:
    """Return the valid inputs of a target."""
    return {
        "request_head": [*VALID, b"GET / HTTP/1.1\r\nHost: beer\r\n" + b"A: b\r\n" * 300 + b"\r\n"],
        "multipart": _forms(),
        "picture": _pictures(),
        "tensors": _calls(),
        "manifest": [_read(_BUNDLE / "manifest.json")],
        "graph": _graphs(),
        "pointer": [b"2\n1\n", b"none\n1\n", b"17"],
        "digests": [_read(_BUNDLE / "SHA256SUMS")],
        "rows": _files(),
        "key_file": [json.dumps(_KEYS).encode()],
        "json_keys": [
            b'{"a": [{"b:": 1, "b": "\\u0061"}, []], "a": {"": NaN, "\\u0061": 1, "a": ":"}}',
            b"[[{}], 1, null]",
        ],
        "message": _messages(),
        "accept": [b"text/html,application/xml;q=0.9,*/*;q=0.8", b"application/json, text/*;q=0.1, */*;q=0"],
        "recipe_file": [path.read_bytes() for path in sorted(_RECIPE_FILES.iterdir())],
        "stream_record": [each.data for each in made_beers(60, share=0.9) if len(each.data) < 4_096],
        "trace": [_PARENT, _PARENT + b"\na=b,c=d\ne=f"],
    }.get(target, [])


def _read(path: Path) -> bytes:
    return path.read_bytes()
