"""The servers that are compared: this service and its contenders."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from app.domains.beer.schema import EXAMPLE_BEER, MAX_BEERS
from benchmarks.servers import ROOT, Contender

APPS = Path(__file__).with_name("apps")
BEER = json.dumps(EXAMPLE_BEER).encode()
BATCH = json.dumps({"beers": [EXAMPLE_BEER] * MAX_BEERS}).encode()
ROW = [EXAMPLE_BEER.get(name) for name in ("abv", "target_og", "target_fg", "ebc", "srm", "ph")]


def contenders(models: Path, peers: str) -> list[Contender]:
    """List the servers that are compared by requests per second, this service first.

    Args:
        models: Folder of bundles.
        peers: Python interpreter of an environment with MLServer and LitServe.
    """
    return [
        ours(models),
        _app("reference", "FastAPI's usual route, same request model, key as a dependency, constant response; no logs"),
        _app("tutorial", "FastAPI and XGBoost with a DataFrame of one row, 480 trees; no key, no logs"),
        _app(
            "raw",
            "ASGI without a framework: reads the body and returns a constant response; the cost of the server alone",
        ),
        _mlserver(models, peers),
        _litserve(models, peers),
    ]


def ours(models: Path) -> Contender:
    """Describe this service with all features enabled."""
    return Contender(
        "ours",
        "python -m app: key, validation, model, interval, warnings and the JSON log line (stderr to a file)",
        lambda port: [sys.executable, "-m", "app"],
        "/predict",
        BEER,
        {"MODEL_URI": str(models)},
    )


def empty() -> Contender:
    """Describe an empty FastAPI app, the baseline of start time and memory."""
    return Contender("empty", "an empty FastAPI app", _uvicorn("benchmarks.apps.empty"), "/", b"", status=404)


def _app(name: str, description: str) -> Contender:
    return Contender(name, description, _uvicorn(f"benchmarks.apps.{name}"), "/predict", BEER)


def _uvicorn(module: str) -> Callable[[int], Sequence[str]]:
    """Build the command line of a benchmark app under uvicorn, with the settings of `python -m app`."""
    return lambda port: [
        sys.executable,
        "-m",
        "uvicorn",
        f"{module}:app",
        "--port",
        str(port),
        "--loop",
        "uvloop",
        "--http",
        "httptools",
        "--ws",
        "none",
        "--no-access-log",
        "--no-server-header",
        "--log-level",
        "warning",
    ]


def _mlserver(models: Path, peers: str) -> Contender:
    tensor = {"name": "features", "datatype": "FP32", "shape": [1, len(ROW)], "data": [x or 0.0 for x in ROW]}
    return Contender(
        "mlserver",
        "MLServer in one process with our graph, Open Inference Protocol over HTTP",
        lambda port: [peers, "-m", "benchmarks.apps.mlserver_start", str(port), str(newest_graph(models))],
        "/v2/models/beer-ibu/infer",
        json.dumps({"inputs": [tensor]}).encode(),
        missing=lacks(peers, "mlserver"),
    )


def _litserve(models: Path, peers: str) -> Contender:
    return Contender(
        "litserve",
        "LitServe with our graph in its worker process",
        lambda port: [peers, str(APPS / "litserve_app.py"), str(port), str(newest_graph(models))],
        "/predict",
        BEER,
        missing=lacks(peers, "litserve"),
    )


def newest_graph(models: Path) -> Path:
    """Return the path of the newest beer-ibu graph, which the service would load."""
    return max((models / "beer-ibu").glob("*/model.onnx"), key=lambda path: int(path.parent.name))


def lacks(peers: str, package: str) -> str:
    """Explain why a peer cannot run; empty if it can.

    Args:
        peers: Python interpreter of the peer's environment.
        package: The peer's package.
    """
    command = [peers, "-c", f"import onnxruntime, {package}"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError as error:
        return f"{peers}: {error.strerror}"
    if not done.returncode:
        return ""
    output = done.stderr.strip().splitlines()
    return output[-1] if output else f"{peers} exits with code {done.returncode} on import of {package}"
