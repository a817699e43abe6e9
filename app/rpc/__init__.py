"""The gRPC door."""

import os

# gRPC's core writes lines of its own to stderr, among them what clients do wrong; stderr is JSON lines here. It reads
# this when it is imported. Whoever looks for a fault of gRPC's own sets it to DEBUG.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
