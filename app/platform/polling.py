"""Asks a beer API and hands on what it got, as it came: one line of JSON a beer."""

import json
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from app.platform.punk_api import PunkApi
from app.platform.stream import MAX_RECORD_BYTES, Record

Asked = Literal["all", "random"]
"""All beers of an API, or one at random."""
_log = logging.getLogger(__name__)


@dataclass
class Poll:
    """One round of asking, with its counts."""

    read: int = 0
    """Beers that the API gave."""
    too_large: int = 0
    """Beers that are larger than a record may be."""

    def run(self, api: PunkApi, asked: Asked, put: Callable[[Iterable[Record]], None]) -> None:
        """Ask the API and hand on its beers while they come.

        Args:
            api: The API.
            asked: What to ask for.
            put: Takes the records.

        Raises:
            ApiError: If the API fails; the beers before are handed on.
            StreamError: If they are not accepted.
        """
        put(self._records(api.beers() if asked == "all" else api.random()))

    def _records(self, rows: Iterable[object]) -> Iterator[Record]:
        for row in rows:
            self.read += 1
            data = json.dumps(row, separators=(",", ":")).encode()
            if len(data) > MAX_RECORD_BYTES:
                self.too_large += 1
                _log.error("a beer of %d bytes is larger than a record may be, and left out", len(data))
                continue
            own = row.get("id") if isinstance(row, dict) else None
            yield Record.of(data, data.decode() if own is None else str(own))
