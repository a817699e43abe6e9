"""Reads beers from an API and passes them on unchanged, each as one line of JSON."""

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from app.errors import BeerModelError, TooLate
from app.platform.punk_api import ApiError, PunkApi, Row
from app.platform.stream import MAX_RECORD_BYTES, Record

Asked = Literal["all", "random"]
"""All beers of an API, or one at random."""
_ONE_LINE = str.maketrans("\r\n", "  ")
"""Line breaks are white space in JSON, as text has none."""
_log = logging.getLogger(__name__)


@dataclass
class Poll:
    """One round of asking, with its counts."""

    read: int = 0
    """Beers that the API gave."""
    too_large: int = 0
    """Beers that are larger than a record may be."""
    _failure: BeerModelError | None = None

    def run(self, api: PunkApi, asked: Asked, put: Callable[[Iterable[Record]], None]) -> None:
        """Read the API's beers and pass each on as it arrives.

        Args:
            api: The API.
            asked: What to ask for.
            put: Takes the records.

        Raises:
            ApiError: If the API fails; the beers read before that are passed on.
            TooLate: If the time for reading is up; the beers read before that are passed on.
            StreamError: If the stream does not accept them.
        """
        put(self._records(api.beers() if asked == "all" else api.random()))
        if self._failure is not None:
            raise self._failure

    def _records(self, rows: Iterable[Row]) -> Iterator[Record]:
        """The records up to the API's end or its failure; a failure does not discard the records before it."""
        try:
            yield from self._records_of(rows)
        except (ApiError, TooLate) as failure:
            self._failure = failure

    def _records_of(self, rows: Iterable[Row]) -> Iterator[Record]:
        for row in rows:
            self.read += 1
            data = row.text.translate(_ONE_LINE).encode("utf-8", "surrogatepass")
            if len(data) > MAX_RECORD_BYTES:
                self.too_large += 1
                _log.error("a beer of %d bytes is larger than a record may be, and left out", len(data))
                continue
            own = row.value.get("id") if isinstance(row.value, dict) else None
            yield Record.of(data, row.text if own is None else str(own))
