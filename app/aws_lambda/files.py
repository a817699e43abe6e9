"""Files of beers that come into a bucket: predictions are written under ``results/``, errors beside them.

    cleaned/2026/11/21/beers-1             what came
    results/cleaned/2026/11/21/beers-1.predictions.jsonl
    results/cleaned/2026/11/21/beers-1.errors.jsonl

Both are made of what the bucket holds when the event comes, and of nothing else: whoever delivers an event twice, or
late, finds the same bytes. The predictions are written last: where they are, all is there.
"""

import json
import logging
from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import unquote_plus

from pydantic import BaseModel, Field, ValidationError

from app.aws_lambda.context import Context, EventError, seconds_left
from app.batch.answers import BatchTransport
from app.batch.rows import LARGEST_FILE
from app.composition.models import build_manager, fetch_models
from app.domains.beer.api import BeerApi
from app.errors import CallError, ObjectsError, TooLate
from app.object_store import ObjectStore
from app.settings import ModelSettings, load_model_settings, log_deprecated_names
from app.telemetry.logs import configure_logging
from app.telemetry.metrics import Registry

RESULTS = "results/"
"""What begins so was written here, and is never read."""
RESERVE = 5.0
"""Seconds before the call is cut, at which it ends itself; writing is to be done in them."""
JSON_LINES = "application/x-ndjson"

_log = logging.getLogger(__name__)


class _Bucket(BaseModel):
    name: str = Field(min_length=3, max_length=63)


class _Object(BaseModel):
    key: str = Field(min_length=1, max_length=4096)


class _Place(BaseModel):
    bucket: _Bucket
    object: _Object


class _Record(BaseModel):
    name: str = Field(alias="eventName")
    s3: _Place


class _Event(BaseModel):
    records: list[_Record] = Field(alias="Records")


class NotAnswered(Exception):
    """Files that are to be tried again; the message names each and says why. The others are done."""


def _door(settings: ModelSettings) -> BatchTransport:
    configure_logging(settings.log_level)
    log_deprecated_names(settings)
    fetch_models(settings, [BeerApi])
    manager = build_manager(settings, [BeerApi], Registry())
    manager.load_active()
    return BatchTransport(BeerApi(manager).operations[0])


_settings = load_model_settings()
_answerer = _door(_settings)


def handler(event: Any, context: Context) -> dict[str, Any]:
    """Answer the files that an event of S3 names.

    Args:
        event: Of S3: objects were created. Others, and what was written here, are passed over.
        context: The runtime's.

    Returns:
        ``{"files": [{"file", "rows", "bad"}, ...]}``.

    Raises:
        EventError: It is no event of S3.
        NotAnswered: A file could not be read or written, or was not done in the time that was left.
    """
    done, failed = [], []
    for bucket, key in _created(event):
        try:
            told = _answer(bucket, key, context)
        except ObjectsError as error:
            failed.append(str(error))
        except CallError as error:
            failed.append(f"s3://{bucket}/{key}: {_reason(error)}")
        else:
            done.append(told)
    if failed:
        raise NotAnswered(f"{len(failed)} of {len(done) + len(failed)} files: {'; '.join(failed)}")
    return {"files": done}


def _reason(error: CallError) -> str:
    return "not done in the time that was left" if isinstance(error, TooLate) else str(error) or type(error).__name__


def _created(event: Any) -> Iterator[tuple[str, str]]:
    if isinstance(event, dict) and event.get("Event") == "s3:TestEvent":
        return
    try:
        records = _Event.model_validate(event).records
    except ValidationError as error:
        where = ".".join(map(str, error.errors(include_input=False, include_url=False)[0]["loc"])) or "event"
        raise EventError(f"not an event of S3: see {where}") from None
    for record in records:
        key = unquote_plus(record.s3.object.key)
        if record.name.startswith("ObjectCreated:") and not key.startswith(RESULTS):
            yield record.s3.bucket.name, key


def _answer(bucket: str, key: str, context: Context) -> dict[str, Any]:
    store = ObjectStore(bucket, _settings.s3_endpoint)
    data = store.read(key, LARGEST_FILE)
    if data is None:
        return {"file": key, "rows": 0, "bad": 0}  # gone since: nothing to answer
    answers = _answerer.answer(data, partial(seconds_left, context, RESERVE))
    store.write(f"{RESULTS}{key}.errors.jsonl", bytes(answers.errors), JSON_LINES)
    store.write(f"{RESULTS}{key}.predictions.jsonl", bytes(answers.predictions), JSON_LINES)
    told = {"file": key, "rows": answers.rows, "bad": answers.bad}
    _log.info("answered %s", json.dumps(told))
    return told
