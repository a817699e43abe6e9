"""An MLServer runtime for the model.onnx of a bundle. It runs in the environment of MLServer."""

import onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class OnnxRuntime(MLModel):
    """Passes the input tensors to the graph and returns its outputs."""

    async def load(self) -> bool:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            self.settings.parameters.uri, options, providers=["CPUExecutionProvider"]
        )
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        inputs = {tensor.name: NumpyCodec.decode_input(tensor) for tensor in payload.inputs}
        names = [tensor.name for tensor in payload.outputs or self.outputs]
        outputs = self.session.run(names, inputs)
        encoded = [NumpyCodec.encode_output(name, array) for name, array in zip(names, outputs, strict=True)]
        return InferenceResponse(model_name=self.name, model_version=self.version, outputs=encoded)
