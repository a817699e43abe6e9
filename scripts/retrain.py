"""Trains a model again on the platform's clean beers, and uploads the version if it is no worse. It is never activated.

    python -m scripts.retrain --models s3://bucket/models --data s3://bucket/cleaned/ [OPTIONS OF training refresh]

The active version comes from the store, with ``python -m training refresh`` a candidate is trained and compared with
it, and the new version goes to the store, ``SHA256SUMS`` last. A workflow and the container ``retrain`` run this script
by a schedule. Exit code: 0 if a version was uploaded, 3 if not, because it is worse or there is nothing new; 1 and 2 as
``python -m training refresh``.
"""

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from app.bundle.digests import SHA256SUMS
from app.bundle.fetch import Fetch, cached_root
from app.bundle.files import MAX_SUMS_BYTES
from app.bundle.pointer import MAX_POINTER_BYTES, POINTER, Pointer, active_version, chosen, write_pointer
from app.bundle.store import is_version, read_bundle
from app.errors import BundleError, ObjectsError
from app.object_store import ObjectStore
from training.__main__ import main as train
from training.refresh.command import DEFAULT

S3 = "s3://"


class ModelFolder:
    """The versions of a model in an object store."""

    def __init__(self, uri: str, name: str, endpoint: str) -> None:
        """Open the folder.

        Args:
            uri: ``s3://bucket/prefix`` of the bundles of all models.
            name: Name of the model.
            endpoint: Address of an S3-compatible store; empty: AWS.
        """
        self.name, self._uri, self._endpoint = name, uri.rstrip("/"), endpoint
        bucket, _, self._prefix = self._uri.removeprefix(S3).partition("/")
        self._store = ObjectStore(bucket, endpoint)
        self._folder = f"{self._prefix}/{name}" if self._prefix else name

    def fetch(self, cache: Path, root: Path) -> None:
        """Download the active version, verified, to a folder of bundles.

        Args:
            cache: Folder of the cache.
            root: The folder of bundles, empty.

        Raises:
            BundleError: If the store has no active version, or it is altered.
        """
        cached = cached_root(cache, self._uri, self._endpoint)
        Fetch(self._store, self._prefix, self._uri, cache).run([self.name], cached)
        version = active_version(cached, self.name)
        if version is not None:
            shutil.copytree((cached / self.name / version).resolve(), root / self.name / version)
        write_pointer(root, self.name, Pointer(version))

    def versions(self) -> list[str]:
        """The versions, lowest first; an incomplete one counts, so that its number is not used again."""
        return sorted(filter(is_version, self._store.folders(self._folder)), key=int)

    def upload(self, folder: Path) -> None:
        """Upload a version without activating it.

        Args:
            folder: The version's folder, ``<name>/<version>``.

        Raises:
            BundleError: If the store has the version meanwhile.
            ObjectsError: If the store fails; what was uploaded lacks ``SHA256SUMS`` and is no version.
        """
        bundle, target = read_bundle(folder), f"{self._folder}/{folder.name}"
        if self._store.read(f"{target}/{SHA256SUMS}", MAX_SUMS_BYTES) is not None:
            raise BundleError(f"{self._uri}/{self.name}/{folder.name}: exists; a version is never overwritten")
        self._keep_active()
        for name in sorted(bundle.files):
            self._store.write(f"{target}/{name}", bundle.files[name], "application/octet-stream")
        self._store.write(f"{target}/{SHA256SUMS}", (folder / SHA256SUMS).read_bytes(), "text/plain")

    def _keep_active(self) -> None:
        """Name the active version in the store, which would be the highest one otherwise."""
        key = f"{self._folder}/{POINTER}"
        if self._store.read(key, MAX_POINTER_BYTES) is None:
            active = chosen(None, self.versions(), f"{self._uri}/{self.name}")
            self._store.write(key, f"{active}\n".encode(), "text/plain")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the script; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", required=True, metavar="URI", help="s3://bucket/prefix of the bundles")
    parser.add_argument("--name", default=DEFAULT, help="model (default: %(default)s)")
    parser.add_argument("--s3-endpoint", default="", metavar="URL", help="S3-compatible store (default: AWS)")
    parser.add_argument("--cache", type=Path, default=Path("model-cache"), help="folder (default: %(default)s)")
    options, further = parser.parse_known_args(arguments)
    if not options.models.startswith(S3):
        parser.error("--models must begin with s3://")
    try:
        models = ModelFolder(options.models, options.name, options.s3_endpoint)
        with TemporaryDirectory() as folder:
            root = Path(folder)
            (root / models.name).mkdir()
            models.fetch(options.cache, root)
            version = str(max(map(int, models.versions())) + 1)
            words = ["refresh", "--name", models.name, "--out", folder, "--version", version]
            code = train([*words, "--s3-endpoint", options.s3_endpoint, *further])
            if code:
                return code
            models.upload(root / models.name / version)
    except (BundleError, ObjectsError) as error:
        print(f"retrain: {error}", file=sys.stderr)
        return 1
    print(f"{options.models.rstrip('/')}/{models.name}/{version} is uploaded and not active.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
