"""What is fuzzed: each function feeds arbitrary bytes to one parser of ours, and asserts what must hold for any input.

An error that the parser raises on purpose is an expected result; any other exception is a finding.
"""

import asyncio
import io
import json
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from typing import Any

import onnx
from google.protobuf.message import DecodeError
from pydantic import ValidationError
from pydantic_core import from_json

from app.access.key_file import KeyFile
from app.batch.columns import columns_of
from app.batch.rows import LIMITS as FILE_LIMITS
from app.batch.rows import read_rows
from app.bundle.digests import parse_sums
from app.bundle.graph import DOMAINS, UNBOUNDED, check_graph
from app.bundle.manifest import parse_manifest
from app.bundle.pointer import NOTHING, parse_pointer
from app.bundle.store import is_version
from app.domains.beer.recipe_files.files import as_beerjson, read_recipes
from app.domains.beer.recipe_files.reading import RecipeFileError
from app.domains.beer.schema import Beer
from app.domains.pets.picture import PictureError, open_picture
from app.errors import BundleError, InputError
from app.oip.tensors import MAX_ELEMENTS
from app.platform.transformation import transform
from app.rest.multipart import form_part
from app.rest.negotiation import accepts_gzip, prefers_page
from app.rest.oip.messages import decompress, read_call
from app.rest.problems import RequestRejected
from app.rpc._pb.open_inference_pb2 import ModelInferRequest
from app.rpc.message_cost import fields_of, parsing_cost
from app.rpc.status import CallRejected
from app.runtime.json_keys import MAX_FOUND, may_repeat_keys, repeated_keys
from app.serving.incoming import IncomingRequests
from app.serving.limits import ConnectionLimits
from app.telemetry.trace import read_trace

_MESSAGE = fields_of(ModelInferRequest.DESCRIPTOR)
LIMITS = ConnectionLimits()
_COLUMNS = columns_of(Beer, {"id": "verbatim", "name": "verbatim", "ibu": "number"})
_DOMAINS, _UNBOUNDED = ({name.decode() for name in names} for names in (DOMAINS, UNBOUNDED))
Target = Callable[[bytes], None]


class _Request:
    """Stands for a request that the application never answers."""

    def __init__(self, scope: dict[str, Any]) -> None:
        self.scope = scope
        self.body = b""
        self.more_body = True
        self.response_complete = False
        self.message_event = asyncio.Event()


class _Flow:
    """Stands for the flow control of a connection that may always be read."""

    def pause_reading(self) -> None:
        """Do nothing."""


def _parse_requests(pieces: list[bytes]) -> tuple[list[_Request], bool]:
    """Return the requests of a connection, and whether the rest was rejected."""
    begun: list[_Request] = []

    def begin(scope: dict[str, Any], keep_alive: bool, expect_100_continue: bool) -> Any:
        begun.append(_Request(scope))
        return begun[-1]

    incoming = IncomingRequests(LIMITS, _Flow(), {"type": "http", "state": {}}, begin)  # type: ignore[arg-type]
    try:
        for piece in pieces:
            incoming.feed(piece)
    except RequestRejected:
        return begun, True
    finally:
        incoming.close()
    return begun, False


def request_head(data: bytes) -> None:
    """HTTP requests: the same ones result from any division into pieces, and no limit is exceeded."""
    whole, rejected = _parse_requests([data])
    cuts = sorted({0, len(data), len(data) // 3, len(data) // 2, max(len(data) - 1, 0)})
    parts, parts_rejected = _parse_requests([data[start:end] for start, end in pairwise(cuts)])
    for request in (*whole, *parts):
        assert len(request.scope["headers"]) <= LIMITS.headers, "too many headers passed"
        size = sum(len(name) + len(value) for name, value in request.scope["headers"])
        assert size <= LIMITS.head_bytes, "too large a head passed"
        assert len(request.scope["raw_path"]) <= LIMITS.target_bytes, "too long a target passed"
    assert rejected == parts_rejected, "a division into pieces changes what is accepted"
    if not rejected:
        seen = [
            [(r.scope["method"], r.scope["raw_path"], r.scope["headers"], r.body, r.more_body) for r in requests]
            for requests in (whole, parts)
        ]
        assert seen[0] == seen[1], "a division into pieces changes the requests"


def multipart(data: bytes) -> None:
    """Forms: the first line is the header Content-Type, the rest the body. What is returned is part of the body."""
    content_type, _, body = data.partition(b"\n")
    with suppress(RequestRejected, InputError):
        assert form_part(body, content_type, "image") in body, "a part that is not in the body"


def picture(data: bytes) -> None:
    """Pictures: the header that we read and the one that Pillow reads agree; nothing is decoded."""
    with suppress(PictureError):
        image = open_picture(data).image
        assert min(image.size) >= 1, "a picture without pixels"


def tensors(data: bytes) -> None:
    """Inference calls of the Open Inference Protocol: the first byte says how, and how much of the rest is JSON."""
    if not data:
        return
    kind, body = data[0], data[1:]
    with suppress(InputError, RequestRejected):
        if kind & 1:
            body = decompress((b"gzip", b"deflate")[kind >> 1 & 1], body, 100_000, lambda piece: None)
            assert len(body) <= 100_000, "more than the limit was decompressed"
        json_size = body.find(b"\n") if kind & 4 else None
        call = read_call("beer-ibu", None, body, None if json_size == -1 else json_size)
        for tensor in call.call.inputs:
            assert tensor.data.size <= MAX_ELEMENTS, "a tensor that is too large"
            assert tensor.data.nbytes <= 8 * len(body), "a tensor that is larger than its message"


def manifest(data: bytes) -> None:
    """Manifests: an accepted one, written and read again, is the same."""
    with suppress(BundleError):
        parsed = parse_manifest(data)
        assert parse_manifest(parsed.to_json()) == parsed, "a manifest that changes when it is written"


def pointer(data: bytes) -> None:
    """Pointers to the active version: what is accepted names versions."""
    with suppress(BundleError):
        parsed = parse_pointer(data, "ACTIVE")
        for version in (parsed.active, *parsed.history):
            assert version is None or (is_version(version) and version != NOTHING), "no version"


def graph(data: bytes) -> None:
    """Graphs: of what is accepted, ONNX's own parser finds no tensor in another file and no custom operator."""
    with suppress(BundleError, DecodeError):
        check_graph(data)
        model = onnx.ModelProto.FromString(data)
        assert not model.functions and not model.training_info, "a graph in another place"
        _assert_complete(model.graph)


def _assert_complete(inner: onnx.GraphProto) -> None:
    tensors = [*inner.initializer, *(part for s in inner.sparse_initializer for part in (s.values, s.indices))]
    for node in inner.node:
        assert node.domain in _DOMAINS and node.op_type not in _UNBOUNDED, "an operator"
        for attribute in node.attribute:
            tensors += [attribute.t, *attribute.tensors]
            for sparse in attribute.sparse_tensor, *attribute.sparse_tensors:
                tensors += [sparse.values, sparse.indices]
            for part in attribute.g, *attribute.graphs:
                _assert_complete(part)
    assert not any(tensor.data_location or tensor.external_data for tensor in tensors), "a tensor in another file"


def digests(data: bytes) -> None:
    """``SHA256SUMS``: what is accepted names plain files, each once, in order."""
    with suppress(BundleError, UnicodeDecodeError):
        names = list(parse_sums(data.decode("ascii")))
        assert names == sorted(set(names)), "names that are repeated or out of order"
        assert not any("/" in name or name.startswith(".") for name in names), "a name outside the bundle"


def rows(data: bytes) -> None:
    """Files of rows (CSV, JSON, gzip): reading ends, and yields no more rows than the file can hold, each usable."""
    with suppress(InputError):
        for number, row in enumerate(read_rows(data, _COLUMNS)):
            assert number < FILE_LIMITS.file_bytes, "more rows than bytes"
            assert row.values is not None or row.problems, "a row without values or problems"
            for name, numbers in row.numbers.items():
                assert row.values is not None and len(row.values[name]) == len(numbers), "items without a number"


def key_file(data: bytes) -> None:
    """Key files: an accepted one, written and read again, is the same."""
    with suppress(ValidationError):
        parsed = KeyFile.model_validate_json(data)
        assert KeyFile.model_validate_json(parsed.text()) == parsed, "a key file that changes when it is written"


def json_keys(data: bytes) -> None:
    """JSON texts: as many keys are repeated as the standard library finds, and a text with some is never cleared."""
    try:
        value = from_json(data)
    except ValueError:
        return
    repeated = 0

    def count(pairs: list[tuple[str, Any]]) -> None:
        nonlocal repeated
        repeated += len(pairs) - len(dict(pairs))

    json.loads(data.decode(), object_pairs_hook=count, parse_int=str)
    assert len(repeated_keys(data)) == min(repeated, MAX_FOUND), "another number of repeated keys"
    assert may_repeat_keys(data, value) or not repeated, "a repeated key is not searched for"


def trace(data: bytes) -> None:
    """Trace context: the lines are values of ``traceparent`` and, after it, ``tracestate``."""
    first, *rest = io.BytesIO(data).read().split(b"\n")
    found = read_trace([(b"traceparent", first), *((b"tracestate", value) for value in rest)])
    if found is not None:
        assert len(found.traceparent) == 55 and found.traceparent.isascii(), "an invalid traceparent is sent on"
        assert found.tracestate == "" or found.tracestate.isprintable(), "an unprintable tracestate is sent on"


def accept(data: bytes) -> None:
    """Values of Accept: whoever rather reads a page than JSON has named text, or everything and JSON as worse.

    Also values of Accept-Encoding: whoever gets gzip has named it, or everything.
    """
    scope = {"method": "GET", "headers": [(b"accept", data), (b"accept-encoding", data)]}
    named = b"text/" in data.lower() or (b"*/*" in data and b"application/" in data.lower())
    assert not prefers_page(scope) or named, "a page for a client that does not ask for one"
    assert not accepts_gzip(scope) or b"gzip" in data.lower() or b"*" in data, "gzip for a client that does not ask"


def message(data: bytes) -> None:
    """Messages of gRPC: what protobuf parses was counted before, each submessage and number of it."""
    try:
        cost = parsing_cost(data, _MESSAGE)
    except CallRejected:
        return
    with suppress(DecodeError):
        parsed = ModelInferRequest.FromString(data)
        submessages = len(parsed.parameters) + len(parsed.inputs) + len(parsed.outputs)
        numbers = sum(
            len(values)
            for tensor in parsed.inputs
            for values in (tensor.shape, tensor.contents.fp32_contents, tensor.contents.int64_contents)
        )
        assert cost >= 2 * len(data) + 100 * submessages + 8 * numbers, "more is parsed than was counted"


def recipe_file(data: bytes) -> None:
    """Recipe files: each recipe has a beer that the schema accepts, or an error; what is read can be written."""
    try:
        recipes = read_recipes(data)
    except RecipeFileError:
        return
    for recipe in recipes:
        assert (recipe.beer is None) != (recipe.error is None)
        if recipe.beer is not None:
            Beer.model_validate(recipe.beer)
    with suppress(RecipeFileError):
        json.loads(as_beerjson(data, [None] * len(recipes)))


def stream_record(data: bytes) -> None:
    """Records of the platform's stream: each has an outcome that was meant, and a clean line reads back to itself."""
    outcome = transform(data, "2026-11-27T16:00:00.123Z")
    assert outcome.reason != "unexpected", "an error of the program"
    assert bool(outcome.line) == (outcome.kind == "clean"), "a line of what is not clean"
    if outcome.line:
        assert outcome.line.count(b"\n") == 1 and outcome.line.endswith(b"\n"), "more than one line"
        assert transform(outcome.line, "2026-11-27T16:00:00.123Z") == outcome, "a clean beer that changes"


TARGETS: dict[str, Target] = {
    target.__name__: target
    for target in (
        request_head,
        multipart,
        picture,
        tensors,
        manifest,
        graph,
        pointer,
        digests,
        rows,
        key_file,
        json_keys,
        trace,
        accept,
        message,
        recipe_file,
        stream_record,
    )
}
"""Every target, by name."""
