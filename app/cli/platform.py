"""Poll a beer API into a bucket, and clean and answer what came: the platform without a cloud (docs/platform.md).

The bucket is in AWS, or in the store that S3_ENDPOINT names; credentials come from the AWS_* variables.
"""

import argparse
import json
import logging
import math
import signal
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from app.errors import BeerModelError, ObjectRejected, SettingsError, TooLate
from app.setting_groups.platform import check_api
from app.settings import ModelSettings, load_model_settings
from app.telemetry.logs import configure_logging

if TYPE_CHECKING:
    from app.object_store import ObjectStore

EXIT_FAILED = 1
"""Exit code if the API or the bucket fails, or a file cannot be read, without --every."""
ROUND_S = 3600.0
"""Time for reading an API, all pages together."""
RETRY_S = 300.0
"""Longest pause after a round that failed."""
MAX_PAUSE_S = 2_592_000.0
"""Longest pause between rounds: 30 days."""
S3 = "s3://"
_log = logging.getLogger(__name__)


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands ``poll`` and ``transform``.

    Args:
        commands: The parser's commands; each sets its function as ``run`` in the parsed arguments.
    """
    poll = commands.add_parser("poll", help="put the beers of an API into a bucket", description=__doc__)
    poll.add_argument("api", metavar="API", type=_api, help="address of an API in the Punk API's shape")
    poll.add_argument("--to", metavar="S3://BUCKET", type=_bucket, required=True, help="the bucket, written under raw/")
    poll.add_argument("--beers", choices=("all", "random"), default="all", help="default: %(default)s")
    poll.set_defaults(run=_poll)
    change = commands.add_parser(
        "transform", help="clean and answer the beers that came into a bucket", description=__doc__
    )
    change.add_argument("bucket", metavar="S3://BUCKET", type=_bucket, help="the bucket")
    change.add_argument(
        "--labels",
        choices=("required", "optional"),
        default="required",
        help="whether a beer without a plausible IBU is dropped or kept (default: %(default)s)",
    )
    change.set_defaults(run=_transform)
    for parser in (poll, change):
        parser.add_argument("--every", metavar="SECONDS", type=_seconds, help="go on, with a pause after each round")


def _api(text: str) -> str:
    try:
        return check_api(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= MAX_PAUSE_S:
        raise argparse.ArgumentTypeError(f"must be a number above 0 and of at most {MAX_PAUSE_S:g}")
    return seconds


def _bucket(text: str) -> str:
    name = text.removeprefix(S3).rstrip("/")
    if not text.startswith(S3) or not name or "/" in name:
        raise argparse.ArgumentTypeError("must be s3://BUCKET")
    return name


def _poll(arguments: argparse.Namespace) -> None:
    from app.platform.local import RawFiles
    from app.platform.polling import Poll
    from app.platform.punk_api import PunkApi

    settings = _settings()

    def round_of() -> None:
        end = time.monotonic() + ROUND_S

        def check() -> None:
            if time.monotonic() > end:
                raise TooLate("the API takes too long")

        poll = Poll()
        try:
            poll.run(PunkApi(arguments.api, check=check), arguments.beers, RawFiles(_store(arguments.to, settings)).put)
        finally:
            _log.info("polled %s", json.dumps({"read": poll.read, "too_large": poll.too_large}))

    _repeat(round_of, arguments.every)


def _transform(arguments: argparse.Namespace) -> None:
    from app.composition.domains import load_domain  # with the models, half a second
    from app.domains.beer.api import BeerApi
    from app.platform.answering import FileAnswers
    from app.platform.local import answer_new, clean_new

    settings = _settings()
    answers = FileAnswers(load_domain(settings, BeerApi))

    def round_of() -> None:
        store = _store(arguments.bucket, settings)
        counts = clean_new(store, arguments.labels == "required")
        answered, unanswered = answer_new(store, answers)
        if counts.files or answered:
            figures = {"dropped": dict(counts.dropped), "failed": dict(counts.failed)}
            _log.info("cleaned %s", json.dumps({"clean": counts.clean, **figures, "files_answered": answered}))
        if unreadable := counts.unreadable + unanswered:
            raise ObjectRejected(f"s3://{store.bucket}: files that cannot be read: {unreadable}")

    _repeat(round_of, arguments.every)


def _settings() -> ModelSettings:
    settings = load_model_settings()
    configure_logging(settings.log_level)
    return settings


def _store(bucket: str, settings: ModelSettings) -> "ObjectStore":
    from app.object_store import ObjectStore

    return ObjectStore(bucket, settings.s3_endpoint)


def _repeat(round_of: Callable[[], None], pause: float | None) -> None:
    """Run a round, or rounds without end; one that fails is logged, and the next one tries again, soon."""
    signal.signal(signal.SIGTERM, _stop)  # the first process of a container has no default for it
    while True:
        next_pause = pause
        try:
            round_of()
        except SettingsError:
            raise
        except BeerModelError as error:
            _log.error("%s", error)
            if pause is None:
                sys.exit(EXIT_FAILED)
            next_pause = min(pause, RETRY_S)
        if next_pause is None:
            return
        time.sleep(next_pause)


def _stop(number: int, frame: object) -> NoReturn:
    raise SystemExit(0)
