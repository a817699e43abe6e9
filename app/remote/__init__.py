"""The remote predictor: models that another machine runs, over the Open Inference Protocol's gRPC."""
