"""What parsing a protobuf message takes: two bytes of an empty submessage become a hundred."""

from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from app.problem_types import MALFORMED_REQUEST, TOO_LARGE
from app.rpc.status import CallRejected

SMALL_MESSAGE = 4096
"""Size in bytes up to which a message is parsed without counting: at most 2,048 fields, 300 KB."""
MAX_FIELDS = 8192
"""Maximum number of fields in a message with its submessages; a packed list of numbers is one field."""
_FIELD_BYTES = 140
"""Memory of a parsed field at most: an entry of a map, or a submessage in a submessage."""
_ELEMENT_BYTES = 24
"""Memory of a number of a packed list: twice 8 bytes while the list grows, and 8 bytes in a tensor."""
_VARINT, _FIXED64, _LENGTH, _START_GROUP, _END_GROUP, _FIXED32 = range(6)
_CONTINUES = bytes(range(128, 256))
"""The bytes of a variable-length integer that are not its last one."""
_PACKED_SIZES = {
    FieldDescriptor.TYPE_FLOAT: 4,
    FieldDescriptor.TYPE_FIXED32: 4,
    FieldDescriptor.TYPE_SFIXED32: 4,
    FieldDescriptor.TYPE_DOUBLE: 8,
    FieldDescriptor.TYPE_FIXED64: 8,
    FieldDescriptor.TYPE_SFIXED64: 8,
}

Fields = dict[int, "Fields | int"]
"""By number: the fields of a submessage, or the size of a number in a packed list; 0: a variable-length integer."""


def fields_of(message: Any) -> Fields:
    """Return what `parsing_cost` needs to know about a type of message.

    Args:
        message: Descriptor of a type that does not contain itself.
    """
    return {
        field.number: fields_of(field.message_type) if field.message_type else _PACKED_SIZES.get(field.type, 0)
        for field in message.fields
        if field.message_type or field.is_repeated and field.type not in (field.TYPE_STRING, field.TYPE_BYTES)
    }


def parsing_cost(raw: bytes, fields: Fields) -> int:
    """Return the memory in bytes that a message takes at most, as received, parsed and converted.

    Args:
        raw: The message.
        fields: What its type contains; see `fields_of`.

    Raises:
        CallRejected: If it has too many fields, or ends within a field.
    """
    counter = _Counter(raw)
    try:
        counter.walk(0, len(raw), fields)
    except IndexError:
        raise CallRejected(MALFORMED_REQUEST) from None
    return 2 * len(raw) + counter.fields * _FIELD_BYTES + counter.elements * _ELEMENT_BYTES


class _Counter:
    """Counts the fields of a message, and the elements of its packed lists."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self.fields = self.elements = 0

    def walk(self, at: int, end: int, fields: Fields) -> None:
        """Count the fields between two positions."""
        while at < end:
            self.fields += 1
            if self.fields > MAX_FIELDS:
                raise CallRejected(TOO_LARGE)
            tag, at = self._varint(at)
            kind = tag & 7
            if kind == _LENGTH:
                size, at = self._varint(at)
                if size > end - at:
                    raise CallRejected(MALFORMED_REQUEST)
                self._enter(at, at + size, fields.get(tag >> 3))
                at += size
            elif kind == _VARINT:
                at = self._varint(at)[1]
            elif kind in (_FIXED32, _FIXED64):
                at += 4 if kind == _FIXED32 else 8
            elif kind not in (_START_GROUP, _END_GROUP):  # the fields of a group are counted as any others
                raise CallRejected(MALFORMED_REQUEST)

    def _enter(self, at: int, end: int, content: Any) -> None:
        """Count what a field with a length contains."""
        if isinstance(content, dict):
            self.walk(at, end, content)
        elif content:
            self.elements += (end - at) // content
        elif content == 0:
            self.elements += len(self._raw[at:end].translate(None, _CONTINUES))

    def _varint(self, at: int) -> tuple[int, int]:
        """Return an integer and the position after it."""
        raw = self._raw
        value = raw[at]
        if value < 128:
            return value, at + 1
        value &= 127
        for shift in range(7, 70, 7):
            at += 1
            byte = raw[at]
            value |= (byte & 127) << shift
            if byte < 128:
                return value, at + 1
        raise CallRejected(MALFORMED_REQUEST)
