"""A model server of a few lines, as a process of its own: what others than this program may do, tests may ask it to do.

``python tests/model_server.py ROOT PORT HOW``, where HOW is JSON: ``packed`` (whether it takes the packed tensor),
``typed`` (whether it answers in typed contents), ``versions`` (whether it names them), ``key`` (the key it wants),
``off`` (added to every output), ``delay`` (seconds that each answer takes), ``not_ready`` (models that cannot answer),
``slow_only`` (the first value of the rows for which it takes so long), ``datatype`` (told in place of the declared).
A first value of 66 it refuses as wrong, 67 as too much, and of 68 it dies.
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
    """Answers by the bundles of a folder."""

    def __init__(self, root: Path, how: dict[str, Any]) -> None:
        self.how = {"packed": True, "versions": True, "off": 0.0, "delay": 0.0, "not_ready": [], **how}
        self.predictors = {name: OnnxPredictor(read_bundle(highest(root, name))) for name in models(root)}

    def find(self, request, context):
        name = getattr(request, "model_name", "") or request.name
        version = getattr(request, "model_version", "") or getattr(request, "version", "")
        sent = dict(context.invocation_metadata())
        if "key" in self.how and sent.get("x-api-key") != self.how["key"]:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "key")
        predictor = self.predictors.get(name)
        known = predictor and version in ("", predictor.manifest.version) and (self.how["versions"] or not version)
        return predictor if known else context.abort(grpc.StatusCode.NOT_FOUND, "no such model")

    def index(self, request, context):
        return pb.RepositoryIndexResponse(
            models=[
                {"name": name, "version": p.manifest.version if self.how["versions"] else "", "state": "READY"}
                for name, p in self.predictors.items()
            ]
        )

    def metadata(self, request, context):
        manifest = self.find(request, context).manifest
        told = pb.ModelMetadataResponse(name=manifest.name)
        packed = ModelSignature(manifest).packed if self.how["packed"] else None
        for put, declared in (told.inputs, [packed] if packed else manifest.inputs), (told.outputs, manifest.outputs):
            for each in declared:
                put.add(name=each.name, datatype=self.how.get("datatype", each.datatype), shape=each.shape)
        return told

    def ready(self, request, context):
        return pb.ModelReadyResponse(ready=self.find(request, context).manifest.name not in self.how["not_ready"])

    def infer(self, request, context):
        predictor = self.find(request, context)
        tensors = [
            from_bytes(each.name, each.datatype, each.shape, raw)
            for each, raw in zip(request.inputs, request.raw_input_contents, strict=True)
        ]
        arrays = ModelSignature(predictor.manifest).arrays([Tensor(t.name, t.datatype, t.data) for t in tensors])
        value = next(iter(arrays.values())).flat[0]
        if self.how["delay"] and self.how.get("slow_only", value) == value:
            threading.Event().wait(self.how["delay"])
        if value == 66:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "not this one")
        elif value == 67:
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many")
        elif value == 68:
            os._exit(1)
        answers = predictor.predict(arrays)
        told = pb.ModelInferResponse(model_name=request.model_name, model_version=request.model_version)
        for each in predictor.manifest.outputs:
            array = answers[each.name] + np.array(self.how["off"], DTYPES[each.datatype])
            put = told.outputs.add(name=each.name, datatype=each.datatype, shape=array.shape)
            if "typed" in self.how:
                getattr(put.contents, CONTENTS[each.datatype]).extend(array.ravel().tolist())
            else:
                told.raw_output_contents.append(array.tobytes())
        sent = dict(context.invocation_metadata())
        print(json.dumps({"rows": len(answers[each.name]), "trace": sent.get("traceparent", "")}), flush=True)
        return told


def main() -> None:
    root, port, how = sys.argv[1:]
    served = Server(Path(root), json.loads(how))
    methods: dict[str, tuple[Any, Any]] = {
        "RepositoryIndex": (served.index, pb.RepositoryIndexRequest),
        "ModelMetadata": (served.metadata, pb.ModelMetadataRequest),
        "ModelReady": (served.ready, pb.ModelReadyRequest),
        "ModelInfer": (served.infer, pb.ModelInferRequest),
    }
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(
            call, request_deserializer=kind.FromString, response_serializer=lambda m: m.SerializeToString()
        )
        for name, (call, kind) in methods.items()
    }
    server = grpc.server(ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("inference.GRPCInferenceService", handlers)])
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    print(bound, flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
