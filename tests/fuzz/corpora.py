"""The corpora: for each target, inputs that together reach all the branches reached so far.

One file holds a target's corpus: an input in Base64 on each line, so that the inputs, which contain any bytes, are
readable by tools, and a change shows as a line.
"""

import base64
from collections.abc import Iterable
from pathlib import Path

FOLDER = Path(__file__).parent / "corpus"


def read_corpus(target: str) -> list[bytes]:
    """Return the inputs of a target's corpus; none if it has no file."""
    path = FOLDER / f"{target}.txt"
    return [base64.b64decode(line) for line in path.read_text("ascii").split()] if path.exists() else []


def write_corpus(target: str, inputs: Iterable[bytes]) -> None:
    """Replace the corpus of a target; its inputs are sorted by size, then by contents."""
    lines = [
        base64.b64encode(data).decode() for data in sorted(set(inputs), key=lambda data: (len(data), data)) if data
    ]
    (FOLDER / f"{target}.txt").write_text("".join(f"{line}\n" for line in lines), "ascii")
