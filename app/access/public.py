"""Public models: which calls need no key."""

from collections.abc import Iterable


class PublicModels:
    """The models that answer without a key; the decision for every door.

    Only a call that presents no key is anyone's. A key that is presented is checked as everywhere: whoever sends one
    wants its rate and its id in the log, and learns at the first call that it is wrong.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        """Initialize the public models.

        Args:
            names: Of the models; none by default.
        """
        self._names = frozenset(names)

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._names)

    def admits(self, presented: object | None, models: Iterable[str]) -> bool:
        """Whether a call needs no key.

        Args:
            presented: What was sent as key; None: nothing. What was sent twice or empty is not nothing.
            models: Those that may answer the call.

        Returns:
            Whether there is no key, and every one of the models is public.
        """
        return presented is None and self.covers(models)

    def covers(self, models: Iterable[str]) -> bool:
        """Whether there are models, and every one is public."""
        asked = frozenset(models)
        return bool(asked) and asked <= self._names
