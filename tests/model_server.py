"""A minimal model server as a separate process. Tests configure it to behave like model servers of other vendors.

Usage: ``python tests/model_server.py ROOT PORT BEHAVIOUR``. BEHAVIOUR is a JSON object with these optional keys:

- ``host``: the address to listen on; 127.0.0.1 by default.
- ``packed``: whether the server accepts the packed tensor; true by default.
- ``typed``: if present, responses use typed contents instead of raw ones.
- ``versions``: whether the server reports and accepts versions; true by default.
- ``key``: the API key that callers must send.
- ``off``: a number that is added to every output.
- ``delay``: seconds that each response takes.
- ``slow_only``: limits the delay to requests whose first value is this one.
- ``not_ready``: names of models that are not ready.
- ``wrong``: values by output name that replace the first value of each row's output, if the request's first value is
  ``wrong_at`` or it has ``wrong_rows`` rows.
- ``faults``: what is wrong with a response, by the request's first value, with three digits: ``shape``, ``datatype``,
  ``name``, ``missing``, ``rows`` (twice as many) or ``model``.
- ``padding``: bytes of zeros that are added to a response, if the request's first value is ``wrong_at``. With
  ``empty_outputs``: that number of outputs without content instead.
- ``more_models``: the number of further models in the list of models.
- ``compressed``: whether responses are compressed.
- ``datatype``: the data type that the metadata reports instead of the declared one.

The first value of a request can trigger a failure: 66 is answered with INVALID_ARGUMENT, 67 with RESOURCE_EXHAUSTED,
and 68 ends the process.
"""

import json
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import numpy as np

from app.bundle.store import highest, models, read_bundle
from app.oip.signature import ModelSignature
from app.oip.tensors import DTYPES, Tensor, from_bytes
from app.rpc._pb import open_inference_pb2 as pb
from app.runtime.onnx import OnnxPredictor

CONTENTS = {"FP32": "fp32_contents", "INT64": "int64_contents"}


class Server:
    """Runs the models of a folder of bundles."""

    def __init__(self, root: Path, behaviour: dict[str, Any]) -> None:
        self.behaviour = {"packed": True, "versions": True, "off": 0.0, "delay": 0.0, "not_ready": [], **behaviour}
        self.predictors = {name: OnnxPredictor(read_bundle(highest(root, name))) for name in models(root)}

    def find(self, request, context):
        name = getattr(request, "model_name", "") or request.name
        version = getattr(request, "model_version", "") or getattr(request, "version", "")
        sent = dict(context.invocation_metadata())
        if "key" in self.behaviour and sent.get("x-api-key") != self.behaviour["key"]:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "key")
        predictor = self.predictors.get(name)
        known = (
            predictor and version in ("", predictor.manifest.version) and (self.behaviour["versions"] or not version)
        )
        return predictor if known else context.abort(grpc.StatusCode.NOT_FOUND, "no such model")

    def index(self, request, context):
        return pb.RepositoryIndexResponse(
            models=[
                {"name": name, "version": p.manifest.version if self.behaviour["versions"] else "", "state": "READY"}
                for name, p in self.predictors.items()
            ]
            + [{"name": f"model-{number}"} for number in range(self.behaviour.get("more_models", 0))]
        )

    def metadata(self, request, context):
        manifest = self.find(request, context).manifest
        response = pb.ModelMetadataResponse(name=manifest.name)
        packed = ModelSignature(manifest).packed if self.behaviour["packed"] else None
        for tensors, declared in (
            (response.inputs, [packed] if packed else manifest.inputs),
            (response.outputs, manifest.outputs),
        ):
            for tensor in declared:
                tensors.add(
                    name=tensor.name, datatype=self.behaviour.get("datatype", tensor.datatype), shape=tensor.shape
                )
        return response

    def ready(self, request, context):
        return pb.ModelReadyResponse(ready=self.find(request, context).manifest.name not in self.behaviour["not_ready"])

    def infer(self, request, context):
        predictor = self.find(request, context)
        tensors = [
            from_bytes(tensor.name, tensor.datatype, tensor.shape, raw)
            for tensor, raw in zip(request.inputs, request.raw_input_contents, strict=True)
        ]
        arrays = ModelSignature(predictor.manifest).arrays([Tensor(t.name, t.datatype, t.data) for t in tensors])
        value = next(iter(arrays.values())).flat[0]
        if self.behaviour["delay"] and self.behaviour.get("slow_only", value) == value:
            threading.Event().wait(self.behaviour["delay"])
        if value == 66:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "invalid value")
        elif value == 67:
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many")
        elif value == 68:
            os._exit(1)
        outputs = predictor.predict(arrays)
        response = pb.ModelInferResponse(model_name=request.model_name, model_version=request.model_version)
        fault = self.behaviour.get("faults", {}).get(f"{value:.3f}")
        if fault == "model":
            response.model_name = "another"
        for declared in predictor.manifest.outputs[fault == "missing" :]:
            array = outputs[declared.name] + np.array(self.behaviour["off"], DTYPES[declared.datatype])
            if declared.name in self.behaviour.get("wrong", {}) and (
                round(float(value), 3) == self.behaviour.get("wrong_at")
                or len(array) == self.behaviour.get("wrong_rows")
            ):
                array[:, 0] = self.behaviour["wrong"][declared.name]
            array = {"rows": np.repeat(array, 2, axis=0), "shape": np.repeat(array, 2, axis=1)}.get(fault, array)
            tensor = response.outputs.add(name=declared.name, datatype=declared.datatype, shape=array.shape)
            if fault == "datatype":
                tensor.datatype = "BYTES"
            elif fault == "name":
                tensor.name += "?"
            if "typed" in self.behaviour:
                getattr(tensor.contents, CONTENTS[declared.datatype]).extend(array.ravel().tolist())
            else:
                response.raw_output_contents.append(array.tobytes())
        if round(float(value), 3) == self.behaviour.get("wrong_at"):
            for _ in range(self.behaviour.get("empty_outputs", 0)):
                response.outputs.add()
            if "padding" in self.behaviour:
                response.raw_output_contents.append(bytes(self.behaviour["padding"]))
        sent = dict(context.invocation_metadata())
        print(json.dumps({"rows": len(outputs[declared.name]), "trace": sent.get("traceparent", "")}), flush=True)
        return response


def main() -> None:
    root, port, behaviour = sys.argv[1:]
    service = Server(Path(root), json.loads(behaviour))
    methods: dict[str, tuple[Any, Any]] = {
        "RepositoryIndex": (service.index, pb.RepositoryIndexRequest),
        "ModelMetadata": (service.metadata, pb.ModelMetadataRequest),
        "ModelReady": (service.ready, pb.ModelReadyRequest),
        "ModelInfer": (service.infer, pb.ModelInferRequest),
    }
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(
            call, request_deserializer=kind.FromString, response_serializer=lambda m: m.SerializeToString()
        )
        for name, (call, kind) in methods.items()
    }
    server = grpc.server(
        ThreadPoolExecutor(8),
        options=[("grpc.so_reuseport", 0), ("grpc.max_send_message_length", -1)],
        compression=grpc.Compression.Gzip if service.behaviour.get("compressed") else None,
    )
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("inference.GRPCInferenceService", handlers)])
    bound = server.add_insecure_port(f"{service.behaviour.get('host', '127.0.0.1')}:{port}")
    server.start()
    print(bound, flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
