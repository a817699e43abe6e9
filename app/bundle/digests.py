"""``SHA256SUMS``: the digests of a bundle's files, in the format of sha256sum."""

import hashlib
import os
import re
from collections.abc import Collection, Mapping
from itertools import islice
from pathlib import Path

from app.bundle.files import MAX_BUNDLE_BYTES, MAX_FILES, MAX_MANIFEST_BYTES, MAX_SUMS_BYTES, read_file
from app.bundle.manifest import MANIFEST
from app.errors import BundleError

SHA256SUMS = "SHA256SUMS"

_LINE = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9_][A-Za-z0-9._-]{0,99})")


def sums_text(files: Mapping[str, bytes]) -> str:
    """Build the contents of ``SHA256SUMS``, sorted by file name.

    Args:
        files: Contents by file name.

    Returns:
        One line per file: digest, two spaces, name.
    """
    return "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))


def parse_sums(text: str) -> dict[str, str]:
    """Parse ``SHA256SUMS`` strictly: only the output of `sums_text` is accepted.

    Args:
        text: Contents of the file.

    Returns:
        Digests by file name, as 64 lower-case hexadecimal digits.

    Raises:
        BundleError: If a line is malformed, repeated or out of order, or there are too many.
    """
    digests: dict[str, str] = {}
    last = ""
    if not text.endswith("\n"):
        raise BundleError(f"{SHA256SUMS}: the last line is truncated")
    for line_number, line in enumerate(text[:-1].split("\n"), 1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise BundleError(f"{SHA256SUMS}: line {line_number} is not a digest, two spaces and a file name")
        if match[2] <= last:
            raise BundleError(f"{SHA256SUMS}: line {line_number} is repeated or out of order")
        if line_number > MAX_FILES:
            raise BundleError(f"{SHA256SUMS}: more than {MAX_FILES} files")
        last = match[2]
        digests[last] = match[1]
    return digests


def check_approved(sums: str, approved: Collection[str], folder: Path | str) -> str:
    """Check that a bundle is approved.

    Args:
        sums: Contents of its ``SHA256SUMS``.
        approved: Digests of the approved ``SHA256SUMS``; empty: every bundle is approved.
        folder: The bundle's folder, for error messages.

    Returns:
        The digest of ``sums``, which identifies the bundle: 64 lower-case hexadecimal digits.

    Raises:
        BundleError: If the bundle is not approved.
    """
    digest = hashlib.sha256(sums.encode("ascii")).hexdigest()
    if approved and digest not in approved:
        raise BundleError(f"{folder}: not an approved bundle: {SHA256SUMS} has the digest {digest}")
    return digest


def size_limit(name: str, taken: int) -> int:
    """Return the maximum size of a file in bytes.

    Args:
        name: Name of the file.
        taken: Size of the bundle's files read so far.
    """
    remaining = MAX_BUNDLE_BYTES - taken
    return min(MAX_MANIFEST_BYTES, remaining) if name == MANIFEST else remaining


def read_verified(folder: Path) -> dict[str, bytes]:
    """Read and verify every file of a bundle. Each file is read once: the returned bytes are the verified ones.

    Args:
        folder: The bundle's folder.

    Returns:
        Contents by file name, without ``SHA256SUMS``.

    Raises:
        BundleError: If a file is missing, altered, unreadable, unlisted, a link or too large; the message names it.
    """
    try:
        digests = parse_sums(read_file(folder / SHA256SUMS, MAX_SUMS_BYTES).decode("ascii"))
        with os.scandir(folder) as entries:
            present = {entry.name for entry in islice(entries, MAX_FILES + 2)} - {SHA256SUMS}
    except FileNotFoundError:
        raise BundleError(f"{folder}: {SHA256SUMS} is missing") from None
    except UnicodeDecodeError:
        raise BundleError(f"{folder}: {SHA256SUMS}: not plain ASCII") from None
    except OSError as error:
        raise BundleError(f"{folder}: cannot be read: {error.strerror}") from None
    except BundleError as error:
        raise BundleError(f"{folder}: {error}") from None
    if len(present) <= MAX_FILES and (missing := sorted(digests.keys() - present)):
        raise BundleError(f"{folder}: {missing[0]} is missing, though {SHA256SUMS} lists it")
    if unlisted := sorted(present - digests.keys()):
        raise BundleError(f"{folder}: {unlisted[0]!r} is not listed in {SHA256SUMS}")
    files: dict[str, bytes] = {}
    taken = 0
    for name, digest in digests.items():
        try:
            files[name] = read_file(folder / name, size_limit(name, taken))
        except OSError as error:
            raise BundleError(f"{folder}: {name} cannot be read: {error.strerror}") from None
        taken += len(files[name])
        if hashlib.sha256(files[name]).hexdigest() != digest:
            raise BundleError(f"{folder}: {name} is not the file that was released: {SHA256SUMS} has another digest")
    return files
