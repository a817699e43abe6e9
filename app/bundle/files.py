"""Reads the files of a bundle: regular files only, and none larger than its limit, whatever is in the folder."""

import errno
import os
import stat
import sys
from pathlib import Path

MAX_FILES = 32
"""Maximum number of files of a bundle, without ``SHA256SUMS``."""
MAX_SUMS_BYTES = 64_000
"""Maximum size of ``SHA256SUMS``."""
MAX_MANIFEST_BYTES = 400_000
"""Maximum size of the manifest, whose objects take many times as much memory."""
MAX_BUNDLE_BYTES = 64_000_000
"""Maximum size of all files together. Testing takes a few times as much, in 512 MB beside the program."""
MAX_ENTRIES = 1000
"""Maximum number of entries in a model's folder, which is listed ten times a second."""

if sys.platform == "win32":  # which opens no pipe that is found in a folder
    _FLAGS, _NO_LINKS = os.O_RDONLY | os.O_BINARY | os.O_NOINHERIT, 0
else:
    _FLAGS, _NO_LINKS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC, os.O_NOFOLLOW


def read_file(path: Path, limit: int, follow: bool = False) -> bytes:
    """Read a regular file. A pipe or a device is not opened, and nothing is read of a file that is too large.

    Args:
        path: The file.
        limit: Maximum size in bytes.
        follow: Whether the file may be a symbolic link.

    Raises:
        FileNotFoundError: If there is no such file.
        OSError: If the file cannot be read, is not regular, is too large, or changes meanwhile.
    """
    _check(os.stat(path, follow_symlinks=follow), limit)
    descriptor = os.open(path, _FLAGS if follow else _FLAGS | _NO_LINKS)
    with open(descriptor, "rb") as file:
        size = _check(os.fstat(descriptor), limit)
        data = file.read(size + 1)
    if len(data) != size:
        raise OSError(errno.ESTALE, "it changes while it is read")
    return data


def _check(status: os.stat_result, limit: int) -> int:
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "not a regular file")
    if status.st_size > limit:
        raise OSError(errno.EFBIG, f"larger than {limit} bytes")
    return status.st_size
