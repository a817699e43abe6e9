"""Memory of the process: what the C library keeps of it, and gives back to the operating system."""

import ctypes
import sys
from typing import Any

LARGE_BLOCK = 1_000_000
"""Bytes above which a block of memory is returned as soon as it is freed."""
KEPT_BYTES = 256_000_000
"""Freed memory that `keep_large_blocks` lets a process keep."""
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
"""Numbers of the options in glibc's ``malloc.h``."""


def release_memory() -> None:
    """Return freed memory to the operating system, if the C library can.

    Loading a model needs memory that serving does not. glibc keeps it unless told otherwise; musl does not keep it.
    """
    trim = _glibc("malloc_trim")
    if trim is not None:
        trim(0)


def return_large_blocks() -> None:
    """Return large blocks to the operating system as soon as they are freed, if the C library can.

    By default glibc raises its threshold to the largest block that was freed, up to 32 MB, and keeps what is below it:
    bodies and pictures of different sizes leave gaps, and a process whose blocks take 370 MB holds 500. It also has a
    heap for each thread, and none of them reuses what another has freed: all threads share one instead.
    """
    mallopt = _glibc("mallopt")
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, LARGE_BLOCK)
        mallopt(_M_ARENA_MAX, 1)


def keep_large_blocks() -> None:
    """Keep freed blocks of up to 32 MB, glibc's largest, for the next ones of that size, if the C library can.

    For a process that computes with arrays of some size again and again: getting memory from the operating system, page
    by page, can take as long as the computation. Dask sets its workers so that they return all of it at once.
    """
    mallopt = _glibc("mallopt")
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, 32 << 20)
        mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)


def _glibc(function: str) -> Any:
    return getattr(ctypes.CDLL(None), function, None) if sys.platform == "linux" else None
