"""Answers a file of beers or recipes in a bucket: writes predictions and errors under ``results/``.

    cleaned/2026/11/21/beers-1             the input
    results/cleaned/2026/11/21/beers-1.predictions.jsonl
    results/cleaned/2026/11/21/beers-1.errors.jsonl

Both depend only on the input object and the model. The predictions are written last: once they exist, the results are
complete.
"""

from collections.abc import Callable
from typing import Any

from app.batch.answers import BatchTransport
from app.batch.recipes import answer_recipe_file, is_recipe_file
from app.batch.rows import LIMITS
from app.domains.beer.api import BeerApi
from app.object_store import ObjectStore

RESULTS = "results/"
"""Prefix of the results; objects with this prefix are never read."""
JSON_LINES = "application/x-ndjson"
_PREDICTIONS, _ERRORS = ".predictions.jsonl", ".errors.jsonl"


def answered_name(key: str) -> str:
    """Return the name of the predictions for an object; once they exist, its results are complete."""
    return f"{RESULTS}{key}{_PREDICTIONS}"


class FileAnswers:
    """Answers files of a bucket."""

    def __init__(self, beer: BeerApi) -> None:
        """Initialize with the domain that answers.

        Args:
            beer: The domain's API.
        """
        self._beer = beer
        self._batch = BatchTransport(beer.operations[0])

    def answer(self, store: ObjectStore, key: str, left: Callable[[], float]) -> dict[str, Any]:
        """Answer a file.

        Args:
            store: The bucket.
            key: Name of the file.
            left: Returns the seconds left.

        Returns:
            ``{"file", "rows", "bad"}``.

        Raises:
            ObjectRejected: If the file can never be processed.
            ObjectsError: If it cannot be read, or the results cannot be written.
            CallError: If the time is up or the model is not available.
        """
        store.check_name(answered_name(key))
        data = store.read(key, LIMITS.file_bytes)
        if data is None:
            return {"file": key, "rows": 0, "bad": 0}  # deleted meanwhile
        answers = answer_recipe_file(self._beer, data, left) if is_recipe_file(data) else self._batch.answer(data, left)
        store.write(f"{RESULTS}{key}{_ERRORS}", answers.errors, JSON_LINES)
        store.write(answered_name(key), answers.predictions, JSON_LINES)
        return {"file": key, "rows": answers.rows, "bad": answers.bad}
