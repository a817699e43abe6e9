"""The service ``ml.IrisPredictor``, for clients generated from its proto file."""

import numpy as np

from app.oip.data_plane import DataPlane, InferCall
from app.oip.tensors import Tensor
from app.rpc._pb.iris_pb2 import IrisPredictReply, IrisPredictRequest
from app.rpc.methods import Call, Method
from app.rpc.traffic import from_caller
from app.traffic.traffic import Traffic

SERVICE = "ml.IrisPredictor"
MODEL = "iris"


class IrisMethods:
    """The methods of the service."""

    def __init__(self, plane: DataPlane, traffic: Traffic | None = None) -> None:
        """Create the methods.

        Args:
            plane: The data plane.
            traffic: Knows which versions are tried; by default none.
        """
        self._plane = plane
        self._traffic = traffic or Traffic()
        route = f"/{SERVICE}/PredictIrisSpecies"
        self.methods = (Method(route, IrisPredictRequest, self._predict, models=lambda request: (MODEL,)),)

    async def _predict(self, flower: IrisPredictRequest, call: Call) -> IrisPredictReply:
        lengths = (flower.sepal_length, flower.sepal_width, flower.petal_length, flower.petal_width)
        with np.errstate(over="ignore"):  # a length beyond float32 becomes infinite, and is rejected
            row = Tensor("features", "FP32", np.array([lengths], dtype=np.float32))
        infer_call = from_caller(InferCall(MODEL, None, [row], ["class_id"]), call, self._traffic)
        answer = await self._plane.infer(infer_call, call.remaining())
        return IrisPredictReply(species=int(answer.outputs[0][1].item()))
