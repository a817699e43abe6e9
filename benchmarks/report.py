"""The report: medians over the rounds, ratios within each round, a table and the targets."""

import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

from app.domains.beer.schema import MAX_BEERS
from benchmarks.measure import Figures

PACKAGES = ("fastapi", "starlette", "uvicorn", "uvloop", "httptools", "pydantic", "onnxruntime", "xgboost-cpu")
_COLUMNS = (
    ("requests_a_second", "requests/s", ",.0f"),
    ("ratio", "x reference", ".2f"),
    ("cpu_us", "CPU us/request", ".0f"),
    ("cpu_ratio", "x CPU", ".2f"),
    ("p50_ms", "p50 ms", ".2f"),
    ("p99_ms", "p99 ms", ".2f"),
    ("start_seconds", "start s", ".2f"),
    ("memory_mb", "memory MB", ".0f"),
)


def machine() -> dict[str, Any]:
    """Describe the machine, the Python version and the packages."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except ModuleNotFoundError:
        return "not installed"


def summarise(rounds: Mapping[str, Sequence[Figures]]) -> dict[str, Figures]:
    """Compute medians by server, and ratios to the reference within each round, where other load affects both alike.

    Args:
        rounds: From `measure`.

    Returns:
        By server name: its medians, with ``ratio`` (requests per second over the reference's) and ``cpu_ratio`` (the
        reference's processor time a request over the server's).
    """
    summary = {}
    for name, figures in rounds.items():
        pairs = list(zip(figures, rounds["reference"], strict=True))
        summary[name] = {
            **{key: median(figure[key] for figure in figures) for key in figures[0]},
            "ratio": median(figure["requests_a_second"] / other["requests_a_second"] for figure, other in pairs),
            "cpu_ratio": median(other["cpu_us"] / figure["cpu_us"] for figure, other in pairs),
        }
    return summary


def table(summary: Mapping[str, Figures]) -> str:
    """Format the summary as a Markdown table."""
    lines = ["| server | " + " | ".join(title for _, title, _ in _COLUMNS) + " |"]
    lines.append("|---" + "|---:" * len(_COLUMNS) + "|")
    for name, figures in summary.items():
        cells = " | ".join(format(figures[key], form) if key in figures else "" for key, _, form in _COLUMNS)
        lines.append(f"| {name} | {cells} |")
    return "\n".join(lines)


def document(result: Mapping[str, Any], descriptions: Mapping[str, str]) -> str:
    """Format the whole report.

    Args:
        result: The contents of the JSON file.
        descriptions: Server name to description.
    """
    host, summary = result["machine"], result["summary"]
    lines = [
        f"{host['cpu']}, {host['cores']} cores, Python {host['python']}; one core for the server, another for wrk.",
        "",
        table(summary),
        "",
        *(f"- {name}: {description}" for name, description in descriptions.items()),
        *(f"- {name} was skipped: {reason}" for name, reason in result["skipped"].items()),
        f"- batches of {MAX_BEERS:,}: {summary['ours']['rows_a_second']:,.0f} rows/s, "
        f"{summary['ours']['cpu_us_a_row']:.1f} CPU us a row",
        f"- CPU us/request by number of keys: {result['cpu_us_by_keys']}",
        "",
    ]
    for target in result["targets"]:
        mark = "met" if target["met"] else "MISSED"
        lines.append(f"{mark:6} {target['name']}: {target['measured']:g} (target {target['bound']})")
    return "\n".join(lines)


def targets(summary: Mapping[str, Figures]) -> list[dict[str, Any]]:
    """Compare the measured figures with the service's performance targets."""
    ours, reference, empty = summary["ours"], summary["reference"], summary["empty"]
    tutorial = summary["tutorial"]
    batch = ours["rows_a_second"] / ours["requests_a_second"]
    return [
        _target("requests/s over the reference's", ours["ratio"], ">=", 1.6),
        _target("requests/s over the tutorial's", ours["requests_a_second"] / tutorial["requests_a_second"], ">=", 8.0),
        _target("p99 over the reference's", ours["p99_ms"] / reference["p99_ms"], "<", 1.0),
        _target(f"rows/s in batches of {MAX_BEERS:,} over single requests", batch, ">=", 12.0),
        _target("start over an empty FastAPI app's", ours["start_seconds"] / empty["start_seconds"], "<=", 2.0),
        _target("memory after the start, MB", ours["memory_mb"], "<=", 130.0),
    ]


def _target(name: str, measured: float, relation: str, bound: float) -> dict[str, Any]:
    met = {">=": measured >= bound, "<": measured < bound, "<=": measured <= bound}[relation]
    return {"name": name, "measured": round(measured, 3), "bound": f"{relation} {bound:g}", "met": met}
