"""A memory limit for a program that a test attacks: a memory cgroup where root may make one."""

import os
import secrets
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

LIMIT = 512 * 1024**2
"""Bytes; the limit that compose and the Kubernetes manifests set."""
_ROOT = Path("/sys/fs/cgroup")
_REMOVAL_SECONDS = 5.0


class MemoryLimit:
    """A memory cgroup, version 1 or 2, that a program enters before it executes its command.

    Without the right to make a cgroup, the program runs without a limit, and `peak` is the largest peak of resident
    memory among its processes that still run, so that a test's assertion on `peak` still holds.

    Kernel memory of sockets counts in version 2. In version 1, only resident memory and page cache count.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        """Initialize the limit; the context makes the cgroup.

        Args:
            limit: Maximum memory in bytes of all processes together.
        """
        self._limit = limit
        self._group: Path | None = None
        self._entered: list[int] = []
        self._is_v2 = (_ROOT / "cgroup.controllers").exists()

    def __enter__(self) -> Self:
        """Make the cgroup, if the process may."""
        parent = _ROOT if self._is_v2 else _ROOT / "memory"
        group = parent / f"beer-model-{secrets.token_hex(4)}"
        try:
            group.mkdir()
            (group / ("memory.max" if self._is_v2 else "memory.limit_in_bytes")).write_text(str(self._limit))
        except OSError:
            with suppress(OSError):
                group.rmdir()
            return self
        with suppress(OSError):  # without swap, the limit is exact; the kernel may lack the file
            (group / ("memory.swap.max" if self._is_v2 else "memory.memsw.limit_in_bytes")).write_text(
                "0" if self._is_v2 else str(self._limit)
            )
        self._group = group
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the cgroup. The program must have ended, or is moved out."""
        if self._group is None:
            return
        deadline = time.monotonic() + _REMOVAL_SECONDS
        while time.monotonic() < deadline:
            for pid in (self._group / "cgroup.procs").read_text().split():
                with suppress(OSError):
                    (self._group.parent / "cgroup.procs").write_text(pid)
            with suppress(OSError):
                self._group.rmdir()
                return
            time.sleep(0.05)

    def enter(self) -> None:
        """Put the calling process, and those that it starts later, under the limit. For `Program(first=...)`."""
        if self._group is not None:
            (self._group / "cgroup.procs").write_text(str(os.getpid()))

    def watch(self, pid: int) -> None:
        """Name a process whose peak counts where no cgroup could be made.

        Args:
            pid: Process id of the program.
        """
        self._entered.append(pid)

    @property
    def is_enforced(self) -> bool:
        """Whether the kernel enforces the limit."""
        return self._group is not None

    @property
    def peak(self) -> int:
        """Peak memory in bytes so far."""
        if self._group is not None:
            name = "memory.peak" if self._is_v2 else "memory.max_usage_in_bytes"
            return int((self._group / name).read_text())
        return max((_peak_rss(pid) for pid in self._entered), default=0)

    def forget_peak(self) -> None:
        """Measure the peak anew, where the kernel can."""
        if self._group is not None:
            with suppress(OSError):  # version 2 resets it since Linux 6.12
                (self._group / ("memory.peak" if self._is_v2 else "memory.max_usage_in_bytes")).write_text("0")
        for pid in self._entered if self._group is None else ():
            with suppress(OSError):
                Path(f"/proc/{pid}/clear_refs").write_text("5")

    @property
    def killed(self) -> bool:
        """Whether the kernel has killed a process because of the limit."""
        if self._group is None:
            return False
        name = "memory.events" if self._is_v2 else "memory.oom_control"
        counts = dict(line.split() for line in (self._group / name).read_text().splitlines())
        return int(counts["oom_kill"]) > 0


def _peak_rss(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))
