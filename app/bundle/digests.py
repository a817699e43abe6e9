"""``SHA256SUMS``: digests of a bundle's files, in sha256sum's own format."""

import hashlib
import re
from collections.abc import Collection, Mapping
from pathlib import Path

from app.errors import BundleError

SHA256SUMS = "SHA256SUMS"

_LINE = re.compile(r"([0-9a-f]{64})  ([A-Za-z0-9_][A-Za-z0-9._-]{0,99})")


def sums_text(files: Mapping[str, bytes]) -> str:
    """The contents of ``SHA256SUMS`` for these files, sorted by name.

    Args:
        files: File name to contents.

    Returns:
        One line a file: digest, two spaces, name.
    """
    return "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))


def parse_sums(text: str) -> dict[str, str]:
    """Read ``SHA256SUMS``, strictly: whatever `sums_text` would not write is refused.

    Args:
        text: Contents of the file.

    Returns:
        File name to digest, 64 lower-case hexadecimal digits.

    Raises:
        BundleError: A line is malformed, repeated or out of order.
    """
    digests: dict[str, str] = {}
    if not text.endswith("\n"):
        raise BundleError(f"{SHA256SUMS}: the last line is cut off")
    for number, line in enumerate(text[:-1].split("\n"), 1):
        found = _LINE.fullmatch(line)
        if found is None:
            raise BundleError(f"{SHA256SUMS}: line {number} is not a digest, two spaces and a file name")
        digests[found[2]] = found[1]
        if found[2] != max(digests) or len(digests) != number:
            raise BundleError(f"{SHA256SUMS}: line {number} is repeated or out of order")
    return digests


def check_approved(sums: str, approved: Collection[str], folder: Path | str) -> str:
    """Refuse a bundle that nobody approved.

    Args:
        sums: Contents of its ``SHA256SUMS``.
        approved: Digests of the ``SHA256SUMS`` that are approved; empty: any.
        folder: Where it is, for errors.

    Returns:
        The digest of ``sums``, by which a bundle is known: 64 lower-case hexadecimal digits.

    Raises:
        BundleError: It is not approved.
    """
    digest = hashlib.sha256(sums.encode("ascii")).hexdigest()
    if approved and digest not in approved:
        raise BundleError(f"{folder}: not an approved bundle: {SHA256SUMS} has the digest {digest}")
    return digest


def read_verified(folder: Path) -> dict[str, bytes]:
    """Read every file of a bundle and check it against ``SHA256SUMS``.

    The bytes that were checked are the bytes returned: nothing is read a second time.

    Args:
        folder: The bundle's folder.

    Returns:
        File name to contents, without ``SHA256SUMS`` itself.

    Raises:
        BundleError: A file is missing, altered, unreadable, or not listed; the message names it.
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
