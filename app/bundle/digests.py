"""``SHA256SUMS``: the digests of a bundle's files, in the format of sha256sum."""

import hashlib
import re
from collections.abc import Collection, Mapping
from pathlib import Path

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
        BundleError: If a line is malformed, repeated or out of order.
    """
    digests: dict[str, str] = {}
    if not text.endswith("\n"):
        raise BundleError(f"{SHA256SUMS}: the last line is truncated")
    for line_number, line in enumerate(text[:-1].split("\n"), 1):
        match = _LINE.fullmatch(line)
        if match is None:
            raise BundleError(f"{SHA256SUMS}: line {line_number} is not a digest, two spaces and a file name")
        digests[match[2]] = match[1]
        if match[2] != max(digests) or len(digests) != line_number:
            raise BundleError(f"{SHA256SUMS}: line {line_number} is repeated or out of order")
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


def read_verified(folder: Path) -> dict[str, bytes]:
    """Read and verify every file of a bundle. Each file is read once: the returned bytes are the verified ones.

    Args:
        folder: The bundle's folder.

    Returns:
        Contents by file name, without ``SHA256SUMS``.

    Raises:
        BundleError: If a file is missing, altered, unreadable or unlisted; the message names it.
    """
    try:
        digests = parse_sums((folder / SHA256SUMS).read_text("ascii"))
        present = {path.name for path in folder.iterdir()} - {SHA256SUMS}
    except FileNotFoundError:
        raise BundleError(f"{folder}: {SHA256SUMS} is missing") from None
    except UnicodeDecodeError:
        raise BundleError(f"{folder}: {SHA256SUMS}: not plain ASCII") from None
    except OSError as error:
        raise BundleError(f"{folder}: cannot be read: {error.strerror}") from None
    except BundleError as error:
        raise BundleError(f"{folder}: {error}") from None
    if missing := sorted(digests.keys() - present):
        raise BundleError(f"{folder}: {missing[0]} is missing, though {SHA256SUMS} lists it")
    if unlisted := sorted(present - digests.keys()):
        raise BundleError(f"{folder}: {unlisted[0]!r} is not listed in {SHA256SUMS}")
    files: dict[str, bytes] = {}
    for name, digest in digests.items():
        try:
            files[name] = (folder / name).read_bytes()
        except OSError as error:
            raise BundleError(f"{folder}: {name} cannot be read: {error.strerror}") from None
        if hashlib.sha256(files[name]).hexdigest() != digest:
            raise BundleError(f"{folder}: {name} is not the file that was released: {SHA256SUMS} has another digest")
    return files
