"""Lambda function that predicts the files of beers or recipes in a bucket, and writes the results to the same bucket.

`app.platform.answering` does the work. The results depend only on the input object, so events may be delivered late or
repeatedly.
"""

import json
import logging
from functools import partial
from typing import Any

from app.aws_lambda.context import Context, seconds_left
from app.aws_lambda.events import created_files
from app.composition.domains import load_domain
from app.domains.beer.api import BeerApi
from app.errors import CallError, ObjectRejected, ObjectsError, TooLate
from app.object_store import ObjectStore
from app.platform.answering import RESULTS, FileAnswers
from app.settings import ModelSettings, load_model_settings, log_deprecated_names
from app.telemetry.logs import configure_logging

RESERVE = 5.0
"""Seconds before the time-out at which processing stops; they are reserved for writing."""

_log = logging.getLogger(__name__)


class NotAnswered(Exception):
    """Some files failed and should be retried; the message names each with its reason. The others are complete."""


def _domain(settings: ModelSettings) -> BeerApi:
    configure_logging(settings.log_level)
    log_deprecated_names(settings)
    return load_domain(settings, BeerApi)


_settings = load_model_settings()
_answers = FileAnswers(_domain(_settings))


def handler(event: Any, context: Context) -> dict[str, Any]:
    """Process the files of an S3 event.

    Args:
        event: An event of S3, also one of EventBridge or in messages of SQS or SNS; see `created_files`. Results are
            skipped.
        context: The context of the invocation.

    Returns:
        ``{"files": [{"file", "rows", "bad"}, ...]}``; for a file that can never be processed ``{"file", "rejected"}``.

    Raises:
        EventError: If the event is of another kind; no file is processed.
        NotAnswered: If a file could not be read or written, or not be processed in time.
    """
    done, failed = [], []
    for bucket, key in created_files(event):
        if key.startswith(RESULTS):
            continue
        try:
            result = _answer(bucket, key, context)
        except ObjectRejected as error:
            _log.error("put aside: %s", error)  # another try would end the same way
            done.append({"file": key, "rejected": str(error)})
        except ObjectsError as error:
            failed.append(str(error))
        except CallError as error:
            failed.append(f"s3://{bucket}/{key}: {_reason(error)}")
        else:
            done.append(result)
    if failed:
        raise NotAnswered(f"{len(failed)} of {len(done) + len(failed)} files: {'; '.join(failed)}")
    return {"files": done}


def _reason(error: CallError) -> str:
    return "not finished in time" if isinstance(error, TooLate) else str(error) or type(error).__name__


def _answer(bucket: str, key: str, context: Context) -> dict[str, Any]:
    store = ObjectStore(bucket, _settings.s3_endpoint)
    result = _answers.answer(store, key, partial(seconds_left, context, RESERVE))
    _log.info("answered %s", json.dumps(result))
    return result
