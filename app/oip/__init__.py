"""The Open Inference Protocol without a transport; REST and gRPC both use it."""
