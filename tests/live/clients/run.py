"""Runs the clients of this folder, each in a process of its own, and states what the models answer."""

import json
import subprocess
import sys
from typing import Any

import numpy as np

from app.bundle.manifest import Manifest
from app.bundle.store import read_bundle
from app.runtime.onnx import OnnxPredictor
from tests.known import REPOSITORY
from tests.live.program import PATIENCE, environment

ROWS: dict[str, list[list[float]]] = {
    "beer-ibu": [[5.6, 1056, 1013, 17, 8.6, 4.4], [8.2, 1075, 1012, float("nan"), 8, float("nan")]],
    "beer-ibu-recipe": [[5.6, 1056, 1013, 17, 8.6, 4.4, *[0.25] * 5, *[6.1] * 5, *[12.5] * 4, 0, 0.1, 1, 0]] * 3,
    "iris": [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3], [5.9, 3.0, 4.2, 1.5]],
}
Told = dict[str, Any]


def run(module: str, kind: str, asked: Told) -> Told:
    """What a client prints."""
    done = subprocess.run(
        [sys.executable, "-m", f"tests.live.clients.{module}", kind],
        input=json.dumps(asked),
        cwd=REPOSITORY,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE * 3,
    )
    assert done.returncode == 0, done.stderr
    told: Told = json.loads(done.stdout)
    return told


class Known:
    """What a model answers by itself, without the program."""

    def __init__(self, name: str) -> None:
        predictor = OnnxPredictor(read_bundle(REPOSITORY / "models" / name / "1"))
        self.manifest: Manifest = predictor.manifest
        rows = np.array(ROWS[name], np.float32)
        assert self.manifest.packed
        answers = predictor.predict({self.manifest.packed: rows})
        self.outputs = {
            output.name: [str(answers[output.name].dtype), [*answers[output.name].shape], answers[output.name].tolist()]
            for output in self.manifest.outputs
        }
        """By name: numpy's type, shape, values."""

    def asked(self) -> Told:
        """What a client needs to know of it."""
        return {
            "names": [declared.name for declared in self.manifest.inputs],
            "packed": self.manifest.packed,
            "rows": ROWS[self.manifest.name],
            "outputs": [*self.outputs],
        }
