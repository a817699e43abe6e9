"""The files that an event reports as created in a bucket, whichever way the event came.

A bucket notifies a function directly, or through a topic (SNS), a queue (SQS) or a bus (EventBridge); a queue may
receive from a topic or a bus. Topics and queues carry the event of the bucket as text.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple, TypeVar
from urllib.parse import unquote_plus

from pydantic import BaseModel, Field, ValidationError
from pydantic_core import from_json

from app.aws_lambda.context import EventError

ModelT = TypeVar("ModelT", bound=BaseModel)
MAX_ENVELOPES = 3
"""Maximum number of envelopes around a bucket's event: a queue, a topic and one to spare."""
_FOLDER_ENDS = ("/", "_$folder$")
"""Ends of the names of empty objects that stand for folders: the console's, and those of Hadoop's programs."""


class CreatedFile(NamedTuple):
    """A file that was created in a bucket."""

    bucket: str
    """Name of the bucket."""
    key: str
    """Name of the file in the bucket."""


class _Bucket(BaseModel):
    name: str = Field(min_length=3, max_length=63)


class _Object(BaseModel):
    key: str = Field(min_length=1, max_length=4096)
    size: int = 0


class _S3(BaseModel):
    bucket: _Bucket
    object: _Object


class _Record(BaseModel):
    name: str = Field(alias="eventName")
    s3: _S3


class _Queued(BaseModel):
    body: str


class _Message(BaseModel):
    text: str = Field(alias="Message")


class _Published(BaseModel):
    sns: _Message = Field(alias="Sns")


class _BusEvent(BaseModel):
    kind: str = Field(alias="detail-type")
    detail: _S3


def created_files(event: Any) -> list[CreatedFile]:
    """Return the files that an event reports as created, in its order.

    Test events of buckets, other events of buckets and folders (empty objects whose name ends in a slash) are passed
    over.

    Args:
        event: An event of S3: as such, of EventBridge, or in records of SQS or SNS.

    Raises:
        EventError: If the event, or a message in it, is of another kind.
    """
    return list(_created(event, MAX_ENVELOPES))


def _created(event: Any, envelopes: int) -> Iterator[CreatedFile]:
    if isinstance(event, dict) and event.get("Event") == "s3:TestEvent":
        return
    if isinstance(event, dict) and event.get("source") == "aws.s3":
        bus = _parsed(_BusEvent, event, "")
        if bus.kind == "Object Created":
            yield from _file(bus.detail, bus.detail.object.key)  # a bus does not encode the name
        return
    if envelopes and isinstance(event, dict) and event.get("Type") == "Notification":  # of a topic, in a queue
        yield from _created(_content(_parsed(_Message, event, "").text), envelopes - 1)
        return
    records = event.get("Records") if isinstance(event, dict) else None
    if not isinstance(records, list):
        raise EventError("not an event of S3: see Records")
    for number, record in enumerate(records):
        where = f"Records.{number}"
        if envelopes and isinstance(record, dict) and record.get("eventSource") == "aws:sqs":
            yield from _created(_content(_parsed(_Queued, record, where).body), envelopes - 1)
        elif envelopes and isinstance(record, dict) and record.get("EventSource") == "aws:sns":
            yield from _created(_content(_parsed(_Published, record, where).sns.text), envelopes - 1)
        else:
            parsed = _parsed(_Record, record, where)
            if parsed.name.removeprefix("s3:").startswith("ObjectCreated:"):
                yield from _file(parsed.s3, unquote_plus(parsed.s3.object.key))


def _file(s3: _S3, key: str) -> Iterator[CreatedFile]:
    if s3.object.size or not key.endswith(_FOLDER_ENDS):
        yield CreatedFile(s3.bucket.name, key)


def _content(text: str) -> Any:
    try:
        return from_json(text)
    except ValueError:
        raise EventError("not an event of S3: a message is not JSON") from None


def _parsed(model: type[ModelT], value: Any, where: str) -> ModelT:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        location = error.errors(include_input=False, include_url=False)[0]["loc"]
        path = ".".join(map(str, (where, *location) if where else location)) or "event"
        raise EventError(f"not an event of S3: see {path}") from None
