"""MLServer runtime for our graph; requires mlserver, numpy and onnxruntime. See mlserver_start for its settings."""

from typing import Any

import numpy as np
import onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class OnnxModel(MLModel):  # type: ignore[misc]  # mlserver is not installed where types are checked
    """The graph behind the Open Inference Protocol."""

    session: Any

    async def load(self) -> bool:
        """Load the graph."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            self.settings.parameters.uri, options, providers=["CPUExecutionProvider"]
        )
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        """Run the graph."""
        inputs = {tensor.name: NumpyCodec.decode_input(tensor).astype(np.float32) for tensor in payload.inputs}
        names = [output.name for output in self.session.get_outputs()]
        outputs = self.session.run(names, inputs)
        encoded = [NumpyCodec.encode_output(name, value) for name, value in zip(names, outputs, strict=True)]
        return InferenceResponse(model_name=self.name, model_version=self.version, outputs=encoded)
