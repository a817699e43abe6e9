"""LitServe with our graph: one process serves HTTP and one runs the model, which is its default.

Requires litserve and onnxruntime: ``python litserve_app.py PORT MODEL``.
"""

import sys
from typing import Any

import litserve
import numpy as np
import onnxruntime

FIELDS = ("abv", "target_og", "target_fg", "ebc", "srm", "ph")


class Bitterness(litserve.LitAPI):  # type: ignore[misc]  # not installed where types are checked
    """Predicts one beer per request."""

    def setup(self, device: str) -> None:
        """Load the graph."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(sys.argv[2], options, providers=["CPUExecutionProvider"])

    def decode_request(self, request: dict[str, float]) -> Any:
        """Convert a beer to a row, with NaN for missing values."""
        return np.array([[request.get(name, float("nan")) for name in FIELDS]], dtype=np.float32)

    def predict(self, x: Any) -> Any:
        """Run the graph."""
        return self.session.run(None, {"features": x})

    def encode_response(self, output: Any) -> dict[str, float]:
        """Convert the outputs to JSON."""
        return {name: float(value[0, 0]) for name, value in zip(("ibu", "lower", "upper"), output, strict=True)}


if __name__ == "__main__":
    server = litserve.LitServer(Bitterness(api_path="/predict"), accelerator="cpu", workers_per_device=1)
    server.run(
        host="127.0.0.1",
        port=int(sys.argv[1]),
        num_api_servers=1,
        generate_client_file=False,
        log_level="warning",
        access_log=False,
    )
