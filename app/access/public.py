"""Public models: models that can be called without a key."""

from collections.abc import Iterable


class PublicModels:
    """The models that can be called without a key, through any transport.

    A call that presents a key is always checked: its caller relies on the key's rate and on its id in the log, and
    learns at the first call that the key is wrong.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        """Create the set of public models.

        Args:
            names: Names of the models; none by default.
        """
        self._names = frozenset(names)

    def __bool__(self) -> bool:
        """Return whether there are public models."""
        return bool(self._names)

    def allows(self, presented: object | None, models: Iterable[str]) -> bool:
        """Decide whether a call needs no key.

        Args:
            presented: The key as received; None only if there is no key at all. An empty key counts as presented.
            models: The models that may answer the call.

        Returns:
            Whether no key was presented and all of the models are public.
        """
        return presented is None and self.covers(models)

    def covers(self, models: Iterable[str]) -> bool:
        """Return whether all of the models are public, and there is at least one."""
        requested = frozenset(models)
        return bool(requested) and requested <= self._names
