"""Memory and processor time of a process and its children, from /proc."""

from pathlib import Path

KB_A_MB = 1000 / 1.024  # /proc counts in KiB; MB are 1,000,000 bytes


def family(pid: int) -> list[int]:
    """List the ids of a process and its descendants."""
    members = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            members += family(int(child))
    return members


def memory_mb(pid: int) -> float:
    """Measure the resident memory (RSS) of a process and its descendants in MB."""
    return sum(_resident_kib(member) for member in family(pid)) / KB_A_MB


def _resident_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def cpu_seconds(pid: int) -> float:
    """Measure the processor time of a process and its descendants so far in seconds."""
    tasks = [task for member in family(pid) for task in Path(f"/proc/{member}/task").glob("*/schedstat")]
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9
