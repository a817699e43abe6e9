"""The gRPC door."""

import logging
import os

# gRPC's core writes lines of its own to stderr, among them what clients do wrong; stderr is JSON lines here. It reads
# this when it is imported. Whoever looks for a fault of gRPC's own sets it to DEBUG.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

# Of metadata that is no UTF-8 it would write the value, which may be a key; the call itself is answered as any other.
logging.getLogger("grpc._cython.cygrpc").addFilter(lambda record: not str(record.msg).startswith("Invalid encoding"))
