"""Hypothesis strategies for invalid requests: random bytes, mutated valid requests, and JSON with unusual values."""

import gzip
import json
import struct
import zlib

from hypothesis import strategies as st

from app.domains.beer.schema import EXAMPLE_RECIPE
from app.domains.beer.solving.schema import EXAMPLE_QUESTIONS, EXAMPLE_UNWEIGHED
from tests.committed import VERSIONS
from tests.known import KEY
from tests.live.raw import BODY, post

BATCH = b'{"beers": [' + BODY + b"]}"
CHUNKED = b"%x\r\n" % len(BODY) + BODY + b"\r\n0\r\n\r\n"
RECIPE = json.dumps(EXAMPLE_RECIPE).encode()
IRIS = b'{"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}'
TENSORS = (
    b'{"id": "1", "inputs": [{"name": "features", "shape": [1, 6], "datatype": "FP32", '
    b'"data": [5.6, 1056.0, 1013.0, 17.0, 8.6, 4.4]}], "outputs": [{"name": "ibu"}]}'
)
RAW = b'{"inputs": [{"name": "features", "shape": [1, 6], "datatype": "FP32", "parameters": {"binary_data_size": 24}}]}'
VITALS = (5.6, 1056.0, 1013.0, 17.0, 8.6, 4.4)
INFER = b"/v2/models/beer-ibu/infer"
VALID = (
    post(),
    post(target=b"/iris/predict", body=IRIS),
    post(target=INFER, body=TENSORS),
    post(b"Inference-Header-Content-Length: %d\r\n" % len(RAW), RAW + struct.pack("<6f", *VITALS), target=INFER),
    post(b"Content-Encoding: gzip\r\n", gzip.compress(TENSORS), target=INFER),
    post(
        b"Content-Encoding: deflate\r\n",
        zlib.compress(TENSORS),
        target=b"/v2/models/beer-ibu/versions/%s/infer" % VERSIONS["beer-ibu"].encode(),
    ),
    post(target=b"/v2/repository/index", body=b'{"ready": true}'),
    post(target=b"/predict/batch", body=BATCH),
    post(target=b"/explain"),
    post(target=b"/solve", body=json.dumps(EXAMPLE_UNWEIGHED).encode()),
    post(target=b"/solve/batch", body=json.dumps(EXAMPLE_QUESTIONS).encode()),
    post(body=RECIPE),
    post(b"Transfer-Encoding: chunked\r\n", CHUNKED, length=False),
    post(b"Expect: 100-continue\r\nX-Request-ID: one\r\nContent-Type: application/json\r\n"),
    post(b"X-Model-Version: 1\r\ntraceparent: 00-" + b"4" * 32 + b"-" + b"7" * 16 + b"-01\r\n"),
    post() + b"GET /model?name=beer-ibu HTTP/1.1\r\nHost: beer\r\nX-API-Key: " + KEY.encode() + b"\r\n\r\n",
    b"GET /openapi.json HTTP/1.0\r\n\r\n",
    b"HEAD /docs/assets/docs.js HTTP/1.1\r\nHost: beer\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: beer\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
)
WORDS = (
    b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b";", b",", b'"', b"{", b"}", b"[", b"]", b"%00", b"%2e%2e/",
    b"../",
    b"\xff", b"\xed\xa0\x80", b"\x1b[31m", b"\\ud800", b"\r\n ", b"\r\n\r\n", b"0\r\n\r\n", b"ffffffffffffffff\r\n",
    b"Content-Length: 5\r\n", b"Content-Length: 18446744073709551616\r\n", b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: gzip\r\n", b"Connection: close\r\n", b"Upgrade: websocket\r\n", b"Expect: 100-continue\r\n",
    b"Host: \r\n", b"X-API-Key: x\r\n", b"Content-Type: text/xml\r\n", b"Content-Encoding: br\r\n", b"HTTP/1.1",
    b"Content-Encoding: gzip\r\n", b"Content-Encoding: deflate\r\n", b"Inference-Header-Content-Length: 9\r\n",
    b"HTTP/9.9",
    b"GET ", b"POST ", b"PRI * HTTP/2.0\r\n\r\n", b"NaN", b"-Infinity", b"1e400", b"null", b"true", b"9" * 400,
    b"A" * 9_000, b"[" * 3_000, b"A: b\r\n" * 300, post(),
)  # fmt: skip
METHODS = (b"GET", b"POST", b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"TRACE", b"PATCH", b"BREW", b"get")
TARGETS = (
    b"/solve", b"/solve/batch",
    b"/iris/predict", INFER, b"/v2/models/x/versions/..", b"/v2/repository/index",
    b"/predict", b"/predict/batch", b"/explain", b"/model", b"/model?name=", b"/metrics", b"/health/live", b"/docs",
    b"/",
    b"/v2", b"/v2/", b"/v2/models/stats", b"/v2/models/iris/infer", b"/v2/models/iris/versions/1/config", b"/v2/x",
    b"*", b"http://x/predict", b"//predict", b"/predict?", b"/predict#x", b"/%", b"/%ff%00", b"/docs/assets/../../app",
)  # fmt: skip
FIELDS = (
    *EXAMPLE_RECIPE, "srm", "beers", "name", "amount_g", "alpha_acid", "boil_minutes", "stage", "amount_kg", "x", "",
    "amount_oz", "target_og_plato", "form", "temperature_c", "stand_minutes", "alpha_acid_low", "alpha_acid_high",
    "age_months",
    "__class__",
    "inputs", "outputs", "shape", "datatype", "data", "parameters", "sepal_length",
    "id", "binary_data_size", "binary_data_output",
)  # fmt: skip

_numbers = st.sampled_from(
    (
        "0",
        "-0",
        "5.6",
        "1056",
        "-1",
        "1e308",
        "1e309",
        "-1e400",
        "1e-400",
        "NaN",
        "Infinity",
        "01",
        "0x1",
        "9" * 400,
        "1" * 5000,
    )
)
_strings = st.one_of(
    st.sampled_from(('"Cascade"', '"kg"', '"start"', '""', r'"\ud800"', r'"\u0000"', '"\x00"', '"a', '"5.6"')),
    st.text(max_size=20).map(lambda text: f'"{text}"'),
)
_scalars = st.one_of(_numbers, _strings, st.sampled_from(("null", "true", "false", "{", "]", "")))
_names = st.sampled_from(FIELDS)


def _object(pairs: list[tuple[str, str]]) -> str:
    return "{" + ", ".join(f'"{name}": {value}' for name, value in pairs) + "}"


_json = st.recursive(
    _scalars,
    lambda inner: st.one_of(
        st.lists(st.tuples(_names, inner), max_size=8).map(_object),
        st.lists(inner, max_size=4).map(lambda values: "[" + ", ".join(values) + "]"),
    ),
    max_leaves=12,
)
_dimensions = st.lists(st.sampled_from(("0", "1", "2", "6", "-1", "2147483647", "2147483648", "1.0")), max_size=9)
_tensor = st.tuples(
    st.sampled_from(('"features"', '"abv"', '"x"')),
    st.sampled_from(('"FP32"', '"FP64"', '"INT64"', '"BOOL"', '"BYTES"', '"x"')),
    _dimensions.map(lambda sizes: "[" + ", ".join(sizes) + "]"),
    st.one_of(_json, st.lists(_numbers, max_size=7).map(lambda values: "[" + ", ".join(values) + "]")),
    st.sampled_from(("{}", "null", '{"binary_data_size": 4}', '{"binary_data_size": -1}', "[]")),
).map(lambda parts: _object([*zip(("name", "datatype", "shape", "data", "parameters"), parts, strict=True)]))
_call = st.lists(_tensor, max_size=3).map(lambda inputs: '{"inputs": [' + ", ".join(inputs) + "]}")


@st.composite
def _mutated(draw: st.DrawFn) -> bytes:
    """A valid request with bytes removed, repeated, inserted, replaced or flipped, or with its end cut off."""
    data = draw(st.sampled_from(VALID))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        length = draw(st.integers(0, 40))
        mutation = draw(st.integers(0, 5))
        if mutation == 0:
            data = data[:at] + data[at + length :]
        elif mutation == 1:
            data = data[:at] + data[at:][:length] * draw(st.integers(2, 30)) + data[at + length :]
        elif mutation == 2:
            data = data[:at] + draw(st.sampled_from(WORDS)) + data[at:]
        elif mutation == 3:
            data = data[:at] + draw(st.sampled_from(WORDS)) + data[at + length :]
        elif mutation == 4 and at < len(data):
            data = data[:at] + bytes([data[at] ^ 1 << draw(st.integers(0, 7))]) + data[at + 1 :]
        else:
            data = data[: at + length]
    return data


@st.composite
def _almost_json(draw: st.DrawFn) -> bytes:
    """A valid request head and a body that is almost JSON."""
    if draw(st.booleans()):
        return post(body=draw(_call).encode("utf-8", "surrogatepass"), target=INFER)
    body = draw(_json).encode("utf-8", "surrogatepass")
    targets = (b"/predict", b"/predict/batch", b"/explain", b"/iris/predict", INFER, b"/v2/repository/index")
    target = draw(st.sampled_from(targets))
    return post(body=body, target=target)


@st.composite
def _composed(draw: st.DrawFn) -> bytes:
    """A request head of parts that do not fit together."""
    lines = draw(st.lists(st.sampled_from(WORDS), max_size=6))
    head = draw(st.sampled_from(METHODS)) + b" " + draw(st.sampled_from(TARGETS)) + b" HTTP/1.1\r\nHost: beer\r\n"
    key = b"X-API-Key: " + KEY.encode() + b"\r\n" if draw(st.booleans()) else b""
    return head + key + b"".join(lines) + b"\r\n" + draw(st.binary(max_size=40))


requests = st.one_of(_mutated(), _mutated(), _almost_json(), _almost_json(), _composed(), st.binary(max_size=300))
"""Bytes to send on a new connection."""
