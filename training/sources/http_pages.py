"""Recipes from an HTTP API with pages, such as the Punk API."""

import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit, urlunsplit

from app.platform.punk_api import TIMEOUT_S, ApiError, PunkApi
from training.errors import SourceError
from training.sources.base import Recipe, TrainingSource
from training.sources.recipes import recipe


class HttpPages(TrainingSource):
    """Reads all pages of an API; see `app.platform.punk_api.PunkApi`."""

    def __init__(
        self, address: str, *, timeout_s: float = TIMEOUT_S, pause: Callable[[float], None] = time.sleep
    ) -> None:
        """Initialize the source.

        Args:
            address: ``http://`` or ``https://`` address, with or without ``/beers`` at its end.
            timeout_s: Timeout of connecting and of each read.
            pause: Sleeps between attempts, in seconds.
        """
        parts = urlsplit(address)
        self.name = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
        self._api = PunkApi(address, timeout_s=timeout_s, pause=pause)

    def recipes(self) -> Iterator[Recipe]:
        """Yield the recipes of all pages.

        Raises:
            SourceError: If a page cannot be read, is not a JSON array or repeats; the message names the page.
        """
        try:
            for number, row in enumerate(self._api.beers(), 1):
                if not isinstance(row.value, dict):
                    raise SourceError(f"{self.name}: row {number} is not a recipe but {type(row.value).__name__}")
                yield recipe(row.value)
        except ApiError as error:
            raise SourceError(str(error)) from None
