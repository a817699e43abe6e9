"""The contenders: this service, and what it is measured against."""

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
    """All that are compared by requests a second, ours first.

    Args:
        models: Folder of bundles.
        peers: Interpreter of an environment with MLServer and LitServe.
    """
    return [
        ours(models),
        _app("reference", "FastAPI's usual route, same request model, key as a dependency, a constant answer; no logs"),
        _app("tutorial", "FastAPI and XGBoost with a DataFrame of one row, 480 trees; no key, no logs"),
        _app("raw", "ASGI without a framework that reads the body and answers a constant: the server's own cost"),
        _mlserver(models, peers),
        _litserve(models, peers),
    ]


def ours(models: Path) -> Contender:
    """This service with everything on."""
    return Contender(
        "ours",
        "python -m app: key, validation, model, interval, warnings and the JSON log line (stderr to a file)",
        lambda port: [sys.executable, "-m", "app"],
        "/predict",
        BEER,
        {"MODEL_URI": str(models)},
    )


def empty() -> Contender:
    """An empty FastAPI app, for start and memory."""
    return Contender("empty", "an empty FastAPI app", _uvicorn("benchmarks.apps.empty"), "/", b"", status=404)


def _app(name: str, what: str) -> Contender:
    return Contender(name, what, _uvicorn(f"benchmarks.apps.{name}"), "/predict", BEER)


def _uvicorn(module: str) -> Callable[[int], Sequence[str]]:
    """The command line of one of our own apps under uvicorn, with the settings of `python -m app`."""
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
    """The graph that our service would serve."""
    return max((models / "beer-ibu").glob("*/model.onnx"), key=lambda path: int(path.parent.name))


def lacks(peers: str, package: str) -> str:
    """What keeps a peer from running; empty where nothing does."""
    command = [peers, "-c", f"import onnxruntime, {package}"]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError as error:
        return f"{peers}: {error.strerror}"
    return done.stderr.strip().splitlines()[-1] if done.returncode else ""
