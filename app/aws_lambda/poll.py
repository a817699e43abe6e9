"""Lambda function that a schedule calls: reads beers from an API and puts them on a stream unchanged."""

import json
import logging
from typing import Any

from app.aws_lambda.context import Context, seconds_left
from app.errors import TooLate
from app.platform.polling import Poll
from app.platform.punk_api import PunkApi
from app.platform.stream import Stream
from app.settings import load_poll_settings
from app.telemetry.logs import configure_logging

RESERVE = 5.0
"""Seconds before the time-out at which nothing more is sent to the stream."""
API_RESERVE = 15.0
"""Seconds before the time-out at which no further page is read; the beers read by then go to the stream."""

_settings = load_poll_settings()
configure_logging(_settings.log_level)
_log = logging.getLogger(__name__)


def handler(event: Any, context: Context) -> dict[str, int]:
    """Ask the API and put its beers on the stream.

    Args:
        event: Of the schedule; nothing in it is read.
        context: The context of the invocation.

    Returns:
        ``{"read", "put", "too_large"}``, numbers of beers.

    Raises:
        ApiError: If the API fails. The beers of the pages before are on the stream; the next round reads all again.
        StreamError: If the stream does not accept the beers.
        TooLate: If the time is up.
    """

    def check(reserve: float) -> None:
        if seconds_left(context, reserve) <= 0:
            raise TooLate("the time is up")

    poll, stream = Poll(), Stream(_settings.beer_stream, check=lambda: check(RESERVE))
    try:
        poll.run(PunkApi(_settings.beer_api, check=lambda: check(API_RESERVE)), _settings.beer_api_beers, stream.put)
    finally:
        result = {"read": poll.read, "put": stream.accepted, "too_large": poll.too_large}
        _log.info("polled %s", json.dumps(result))
    return result
