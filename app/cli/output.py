"""Output of the subcommands: a line that cannot be written is an error, not a traceback."""

import os
import sys


class OutputError(Exception):
    """A line could not be written to stdout; the message gives the reason."""


def write_line(text: str) -> None:
    """Write a line to stdout, and have it leave this process before anything else happens.

    Raises:
        OutputError: If stdout is closed or full, or nobody reads it any more.
    """
    if sys.stdout is None:  # closed before Python started, where `print` writes nothing and reports nothing
        raise OutputError("stdout is closed")
    try:
        print(text, flush=True)
    except OSError as error:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())  # the interpreter writes what is left when it exits
        os.close(null)
        raise OutputError(f"stdout cannot be written: {error.strerror}") from None
