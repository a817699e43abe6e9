"""Packs a folder into a zip file whose bytes depend only on names and contents of the files; prints its sizes."""

import os
import sys
import zipfile
from pathlib import Path

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time of the format."""


def pack(folder: Path, target: Path) -> None:
    """Write the zip file under a temporary name, then move it.

    Args:
        folder: The folder to pack.
        target: The zip file.
    """
    staged = target.with_suffix(".part")
    with zipfile.ZipFile(staged, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix: modes are read
            entry.external_attr = (0o100755 if path.suffix == ".so" else 0o100644) << 16
            archive.writestr(entry, path.read_bytes())
    with staged.open("rb+") as file:
        os.fsync(file.fileno())
    os.replace(staged, target)


def main() -> None:
    """Pack; arguments are the folder and the zip file."""
    folder, target = map(Path, sys.argv[1:])
    pack(folder, target)
    whole = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB zipped, {whole / 1e6:.1f} MB unzipped")


if __name__ == "__main__":
    main()
