"""The remote predictor: models that another machine runs, over the Open Inference Protocol's gRPC."""

import app.rpc  # noqa: F401  # before gRPC: keeps its core from writing to stderr
