"""ModelStore: the versions of a model on disk; one that is good becomes a predictor."""

import os
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path

from app.bundle.pointer import active_version, reload, unload
from app.bundle.store import Bundle, read_bundle, versions
from app.errors import BundleError
from app.runtime.predictor import Predictor, pack

Signature = tuple[tuple[str, int, int, int, int], ...]


class ModelStore:
    """The folder of bundles, read again whenever it is asked."""

    def __init__(
        self,
        root: Path,
        open: Callable[[Bundle], Predictor],
        check: Callable[[Path], Bundle] = read_bundle,
        read: Callable[[Path], Bundle] = read_bundle,
    ) -> None:
        """Initialize the model store.

        Args:
            root: Folder of bundles.
            open: Loads a bundle and runs its golden rows; raises BundleError where it is bad.
            check: Reads a bundle and tries it where a crash does no harm; raises BundleError where it is bad.
            read: Reads a bundle that is to be loaded without being tried first.
        """
        self._root = root
        self._open = open
        self._check = check
        self._read = read
        self._verdicts: dict[tuple[str, str], tuple[Signature, str]] = {}
        self._trusted: frozenset[str] = frozenset()

    def versions(self, name: str) -> list[str]:
        """Versions that are there, lowest first.

        Raises:
            BundleError: The folder cannot be listed.
        """
        return versions(self._root, name)

    def active(self, name: str) -> str | None:
        """The version that is to answer; see `app.bundle.pointer.active_version`."""
        return active_version(self._root, name)

    def unload(self, name: str) -> None:
        """Let none be active; see `app.bundle.pointer.unload`."""
        unload(self._root, name)

    def reload(self, name: str) -> None:
        """Undo `unload`; see `app.bundle.pointer.reload`."""
        reload(self._root, name)

    def attempt(self, name: str, version: str) -> None:
        """Try a version where a crash does no harm, and load nothing.

        Raises:
            BundleError: It is bad.
        """
        self._check(self._root / name / version)

    def signature(self, name: str, version: str) -> Signature:
        """What changes when a version's files do; empty where they cannot be listed."""
        try:
            with os.scandir(self._root / name / version) as entries:
                found = sorted((entry.name, entry.stat()) for entry in entries)
        except OSError:
            return ()
        return tuple((name, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for name, s in found)

    def fault(self, name: str, version: str) -> str:
        """Why a version was found to be bad; empty where it was not, or has changed since."""
        signature, reason = self._verdicts.get((name, version), ((), ""))
        return reason if reason and signature == self.signature(name, version) else ""

    @property
    def known_good(self) -> list[str]:
        """What `trust` takes, for every version that was found to be good."""
        return [_mark(*key, signature) for key, (signature, reason) in self._verdicts.items() if not reason]

    def trust(self, known: Iterable[str]) -> None:
        """Take versions to be good that another process found so, as long as their files do not change.

        Args:
            known: Its `known_good`.
        """
        self._trusted = frozenset(known)

    def load(self, name: str, version: str, checked: bool = True) -> Predictor:
        """Check, load and warm a version; what is known to be bad is refused at once.

        Args:
            name: The model's name.
            version: Its version.
            checked: Whether to try it first where a crash does no harm, unless it is known to be good.

        Returns:
            Its predictor.

        Raises:
            BundleError: It is bad.
            ModelNotReady: It may be good, and cannot be loaded just now.
        """
        signature = self.signature(name, version)
        known, reason = self._verdicts.get((name, version), ((), ""))
        if known == signature and reason:
            raise BundleError(reason)
        try:
            good = known == signature or _mark(name, version, signature) in self._trusted
            predictor = self._load(self._root / name / version, checked and not good)
        except BundleError as error:
            self._verdicts[name, version] = (signature, str(error))
            raise
        self._verdicts[name, version] = (signature, "")
        return predictor

    def _load(self, folder: Path, checked: bool) -> Predictor:
        bundle = self._check(folder) if checked else self._read(folder)
        predictor = self._open(bundle)
        first = {name: rows[:1] for name, rows in pack(bundle.manifest, bundle.manifest.golden.inputs).items()}
        predictor.predict(first)  # callers send single rows, too; the second one is no faster than the first
        return predictor


def _mark(name: str, version: str, signature: Signature) -> str:
    return sha256(repr((name, version, signature)).encode()).hexdigest()
