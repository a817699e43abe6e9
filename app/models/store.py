"""The model store: the versions of each model on disk, which one is active, and which were found to be bad."""

import os
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path

from app.bundle import pointer
from app.bundle.files import MAX_FILES
from app.bundle.rollout import RolloutSpec, read_rollout, stop_rollout
from app.bundle.store import Bundle, read_bundle, versions
from app.errors import BundleError
from app.models.worker_notes import WorkerNotes
from app.runtime.golden import pack
from app.runtime.predictor import Predictor

Fingerprint = tuple[tuple[str, int, int, int, int], ...]
"""Name, inode, size, modification and change time (ns) of each file of a version."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a version passed verification."""

    fingerprint: Fingerprint
    """The files that were verified."""
    fault: str = ""
    """Why the version is bad; empty if it is good."""
    digest: str = ""
    """Digest of the good bundle, see `Bundle.digest`."""

    def fits(self, fingerprint: Fingerprint) -> bool:
        """Whether the files are still the verified ones."""
        return self.fingerprint == fingerprint


class ModelStore:
    """The folder of bundles. Nothing of the folder is cached: each question is answered from the disk.

    The store remembers which files passed verification and which failed. It is not synchronized: `ModelManager` makes
    one call of `open` at a time.
    """

    def __init__(
        self,
        root: Path,
        load: Callable[[Bundle], Predictor],
        check: Callable[[Path], Bundle] = read_bundle,
        read: Callable[[Path], Bundle] = read_bundle,
        notes: WorkerNotes | None = None,
    ) -> None:
        """Initialize the model store.

        Args:
            root: Folder of bundles.
            load: Loads a bundle and runs its golden rows; raises BundleError if the bundle is bad.
            check: Reads a bundle and tries it where a crash does no harm; raises BundleError if the bundle is bad.
            read: Reads a bundle that is loaded without being tried first.
            notes: What the workers tell one another; by default there are no other workers.
        """
        self._root = root
        self._load = load
        self._check = check
        self._read = read
        self.notes = notes or WorkerNotes()
        """What the workers tell one another."""
        self._verdicts: dict[tuple[str, str], Verdict] = {}

    def versions(self, name: str) -> list[str]:
        """The versions on disk, lowest first.

        Raises:
            BundleError: If the folder cannot be listed.
        """
        return versions(self._root, name)

    def active(self, name: str) -> str | None:
        """The version that should answer; see `app.bundle.pointer.active_version`."""
        return pointer.active_version(self._root, name)

    def deactivate(self, name: str) -> None:
        """Record that no version is active; see `app.bundle.pointer.unload`."""
        pointer.unload(self._root, name)

    def reactivate(self, name: str) -> None:
        """Undo `deactivate`; see `app.bundle.pointer.reload`."""
        pointer.reload(self._root, name)

    def rollout(self, name: str) -> RolloutSpec | None:
        """The rollout of a model, with the reason if a worker has stopped it; None if there is none.

        Raises:
            BundleError: If its file cannot be read, or is invalid.
        """
        spec = read_rollout(self._root, name)
        if spec is None or spec.stopped:
            return spec
        stopped = self.notes.stopped(name, spec.id)
        return spec.model_copy(update={"stopped": stopped}) if stopped else spec

    def stop_rollout(self, name: str, id: str, reason: str) -> None:
        """Note for every worker that a rollout has been stopped, and write it to the rollout's file.

        Args:
            name: Name of the model.
            id: The rollout's id.
            reason: Why it has been stopped.

        Raises:
            BundleError: If the file cannot be written; the workers of this program know all the same.
        """
        self.notes.set_stopped(name, id, reason)
        stop_rollout(self._root, name, id, reason)

    def check(self, name: str, version: str) -> None:
        """Try a version where a crash does no harm, without loading it here.

        Raises:
            BundleError: If the version is bad.
        """
        self._check(self._root / name / version)

    def fingerprint(self, name: str, version: str) -> Fingerprint:
        """What changes when a version's files change; empty if the files cannot be listed."""
        try:
            with os.scandir(self._root / name / version) as entries:
                files = sorted((x.name, x.stat(follow_symlinks=False)) for x in islice(entries, MAX_FILES + 2))
        except OSError:
            return ()
        return tuple((name, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for name, s in files)

    def fault(self, name: str, version: str) -> str:
        """Why a version was found to be bad; empty if it was not, or if its files have changed since."""
        verdict = self._verdicts.get((name, version))
        return verdict.fault if verdict and verdict.fault and verdict.fits(self.fingerprint(name, version)) else ""

    def open(self, name: str, version: str, quarantined: bool = True) -> Predictor:
        """Verify, load and warm up a version; a version known to be bad is rejected at once.

        Args:
            name: Name of the model.
            version: Version of the model.
            quarantined: Whether to try the version first where a crash does no harm, unless it is known to be good.

        Returns:
            The version's predictor.

        Raises:
            BundleError: If the version is bad.
            ModelNotReady: If the version may be good and cannot be loaded now.
        """
        fingerprint = self.fingerprint(name, version)
        verdict = self._verdicts.get((name, version))
        if verdict is not None and not verdict.fits(fingerprint):
            verdict = None
        if verdict is not None and verdict.fault:
            raise BundleError(verdict.fault)
        mark = sha256(repr((name, version, fingerprint)).encode()).hexdigest()
        try:
            with self.notes.turn() if quarantined else nullcontext():
                digest = verdict.digest if verdict else self._verified_digest(name, mark)
                bundle = self._bundle(self._root / name / version, digest, quarantined)
                predictor = self._load(bundle)
                golden = pack(bundle.manifest, bundle.manifest.golden.inputs)
                predictor.predict({name: rows[:1] for name, rows in golden.items()})  # callers send single rows as well
                self.notes.set_verified(name, f"{mark} {bundle.digest}")
        except BundleError as error:
            self._verdicts[name, version] = Verdict(fingerprint, str(error))
            raise
        self._verdicts[name, version] = Verdict(fingerprint, digest=bundle.digest)
        return predictor

    def _verified_digest(self, name: str, mark: str) -> str:
        """The digest with which another process verified a version last; empty if none did."""
        noted, _, digest = self.notes.verified(name).partition(" ")
        return digest if noted == mark else ""

    def _bundle(self, folder: Path, digest: str, quarantined: bool) -> Bundle:
        """Read a bundle; one that has another digest than the known good one is tried first."""
        if not quarantined or digest:
            bundle = self._read(folder)
            if not quarantined or bundle.digest == digest:
                return bundle
        return self._check(folder)
