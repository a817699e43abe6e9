"""Memory of the process."""

import ctypes
import sys


def release_memory() -> None:
    """Return freed memory to the operating system, if the C library can.

    Loading a model needs memory that serving does not. glibc keeps it unless told otherwise; musl does not keep it.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
