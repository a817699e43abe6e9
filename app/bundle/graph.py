"""Checks a graph, ``model.onnx``, before ONNX Runtime reads it: it must be complete in itself, and its work bounded.

ONNX lets a graph name files as the values of its tensors, and ONNX Runtime reads them: a bundle could give out a file
of the machine as a prediction. The check walks through the protocol buffer itself. It reads no values, and takes about
a microsecond for each field.
"""

import re
from collections.abc import Iterator

from app.bundle.manifest import MODEL
from app.errors import BundleError

DOMAINS = frozenset({b"", b"ai.onnx", b"ai.onnx.ml"})
"""Domains whose operators a graph may use: those of ONNX itself. Others can read files, or need libraries."""
UNBOUNDED = frozenset({b"Loop", b"Scan", b"SequenceMap"})
"""Operators that a graph may not use: the number of their steps depends on values, and may have no end."""
MAX_NODES = 20_000
"""Maximum number of nodes, those of subgraphs included."""
MAX_FIELDS = 1_000_000
"""Maximum number of fields, without lists of numbers."""
MAX_DEPTH = 32
"""Maximum number of messages inside one another."""

_MODEL, _GRAPH, _NODE, _ATTRIBUTE, _TENSOR, _SPARSE, _ENTRY = range(7)
_PARTS: tuple[dict[int, int], ...] = (
    {7: _GRAPH, 14: _ENTRY},
    {1: _NODE, 5: _TENSOR, 15: _SPARSE},
    {5: _ATTRIBUTE},
    {5: _TENSOR, 6: _GRAPH, 10: _TENSOR, 11: _GRAPH, 22: _SPARSE, 23: _SPARSE},
    {},
    {1: _TENSOR, 2: _TENSOR},
    {},
)
"""For each kind of message, the fields that contain further messages that matter, by number."""
_REJECTED = {
    (_MODEL, 20): "it contains a training graph",
    (_MODEL, 25): "it contains functions of its own",
    (_TENSOR, 13): "a tensor is in another file",
}
_NODE_OPERATOR, _NODE_DOMAIN, _ENTRY_KEY, _TENSOR_LOCATION = 4, 7, 1, 14
_NUMBERS = re.compile(rb"(?:=.{4})+|(?:@[\x80-\xff]{0,9}[\x00-\x7f])+", re.DOTALL)
"""A run of an attribute's floats (field 7) or integers (field 8), of which a tree ensemble has thousands."""
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_TAG = (1 << 32) - 1
_MAX_VARINT_BYTES = 10


def check_graph(data: bytes) -> None:
    """Check that a graph names no file, uses no custom operator, and contains nothing whose work has no bound.

    Args:
        data: Contents of ``model.onnx``.

    Raises:
        BundleError: If it does not; the message says which.
    """
    try:
        _check(data)
    except IndexError:
        raise _fault("it is truncated") from None


def _check(data: bytes) -> None:
    if data[4:8] == b"ORTM":  # ONNX Runtime tells its own format by these bytes
        raise _fault("it is not in ONNX's format")
    nodes = fields = 0
    open_messages = [(_MODEL, _fields(data, 0, len(data), _MODEL))]
    while open_messages:
        kind, remaining = open_messages[-1]
        for number, wire, start, end, value in remaining:
            fields += 1
            if fields > MAX_FIELDS:
                raise _fault(f"it has more than {MAX_FIELDS} fields")
            _check_field(data, kind, number, start, end, value)
            part = _PARTS[kind].get(number)
            if part is None or wire != _BYTES:
                continue
            nodes += part == _NODE
            if nodes > MAX_NODES or len(open_messages) >= MAX_DEPTH:
                raise _fault(f"it has more than {MAX_NODES} nodes or {MAX_DEPTH} messages inside one another")
            open_messages.append((part, _fields(data, start, end, part)))
            break
        else:
            open_messages.pop()


def _check_field(data: bytes, kind: int, number: int, start: int, end: int, value: int) -> None:
    if (reason := _REJECTED.get((kind, number))) is not None:
        raise _fault(reason)
    if kind == _TENSOR and number == _TENSOR_LOCATION and value:
        raise _fault("a tensor is in another file")
    if kind == _NODE and number == _NODE_DOMAIN and data[start:end] not in DOMAINS:
        raise _fault("it uses a custom operator")
    if kind == _NODE and number == _NODE_OPERATOR and data[start:end] in UNBOUNDED:
        raise _fault(f"it uses one of the operators {', '.join(sorted(x.decode() for x in UNBOUNDED))}")
    if kind == _ENTRY and number == _ENTRY_KEY and data[start:end] == b"ort_config":
        raise _fault("it contains options for ONNX Runtime")


def _fields(data: bytes, position: int, end: int, kind: int) -> Iterator[tuple[int, int, int, int, int]]:
    """Yield each field: number, wire type, start and end of its bytes, and its value if it is an integer."""
    while position < end:
        if kind == _ATTRIBUTE and (run := _NUMBERS.match(data, position, end)):
            position = run.end()
            continue
        tag, position = _varint(data, position)
        number, wire, value = tag >> 3, tag & 7, 0
        start = position
        if wire == _BYTES:
            length, start = _varint(data, position)
            position = start + length
        elif wire == _VARINT:
            value, position = _varint(data, position)
        elif wire in (_FIXED32, _FIXED64):
            position += 4 if wire == _FIXED32 else 8
        else:
            raise _fault("it is not a protocol buffer")
        if position > end or not 8 <= tag <= _MAX_TAG:
            raise _fault("it is not a protocol buffer")
        yield number, wire, start, position, value


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """Read an integer; return it and the position after it."""
    first = data[position]
    if first < 0x80:
        return first, position + 1
    value = first & 0x7F
    for index in range(1, _MAX_VARINT_BYTES):
        byte = data[position + index]
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, position + index + 1
    raise _fault("it is not a protocol buffer")


def _fault(reason: str) -> BundleError:
    return BundleError(f"{MODEL} cannot be loaded: {reason}")
