"""The names within an output."""

PREDICTIONS, ERRORS, RECEIPTS = "predictions", "errors", "_receipts"
"""Folders of the output."""
MANIFEST = "manifest.json"
STAMPS = f"{RECEIPTS}/sources.json"
"""Size and time of each source when it was read, so that the next run need not read it."""
LOCK = ".lock"
"""File in the output's folder that a run locks."""
PART = ".part"
"""End of the name of a file that is being written; its name begins with a dot."""


def is_of_output(name: str) -> bool:
    """Return whether a file is of a run.

    Args:
        name: Its name below the output's folder.
    """
    return name in (MANIFEST, LOCK) or name.partition("/")[0] in (PREDICTIONS, ERRORS, RECEIPTS)
