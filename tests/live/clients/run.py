"""Run the clients of this folder, each in its own process, and compute the expected outputs of the models."""

import json
import subprocess
import sys
from typing import Any

import numpy as np

from app.bundle.manifest import Manifest
from app.bundle.store import read_bundle
from app.runtime.onnx import OnnxPredictor
from tests.committed import VERSIONS, committed
from tests.known import REPOSITORY
from tests.live.program import PATIENCE, environment

ROWS: dict[str, list[list[float]]] = {
    "beer-ibu": [[5.6, 1056, 1013, 17, 8.6, 4.4], [8.2, 1075, 1012, float("nan"), 8, float("nan")]],
    "beer-ibu-recipe": [[5.6, 1056, 1013, 17, 8.6, 4.4, *[0.25] * 5, *[6.1] * 5, *[12.5] * 4, *[3.5] * 4, 0, 0.1, 1, 0]]
    * 3,
    "iris": [[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3], [5.9, 3.0, 4.2, 1.5]],
}
Json = dict[str, Any]


def run(module: str, kind: str, arguments: Json) -> Json:
    """Run a client with its arguments on stdin and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-m", f"tests.live.clients.{module}", kind],
        input=json.dumps(arguments),
        cwd=REPOSITORY,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE * 3,
    )
    assert done.returncode == 0, done.stderr
    output: Json = json.loads(done.stdout)
    return output


class ExpectedModel:
    """The manifest of a model, and its outputs for `ROWS` without the program."""

    def __init__(self, name: str) -> None:
        self.version = VERSIONS[name]
        predictor = OnnxPredictor(read_bundle(committed(name)))
        self.manifest: Manifest = predictor.manifest
        rows = np.array(ROWS[name], np.float32)
        assert self.manifest.packed
        outputs = predictor.predict({self.manifest.packed: rows})
        self.outputs = {
            output.name: [str(outputs[output.name].dtype), [*outputs[output.name].shape], outputs[output.name].tolist()]
            for output in self.manifest.outputs
        }
        """NumPy data type, shape and values, by output name."""

    def arguments(self) -> Json:
        """Return the arguments that a client needs to call this model."""
        return {
            "names": [declared.name for declared in self.manifest.inputs],
            "packed": self.manifest.packed,
            "rows": ROWS[self.manifest.name],
            "version": self.version,
            "outputs": [*self.outputs],
        }
