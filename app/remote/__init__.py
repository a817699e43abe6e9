"""Remote models: models that a model server runs, called by the Open Inference Protocol over gRPC."""

import app.rpc  # noqa: F401  # before gRPC: keeps it from writing to stderr
