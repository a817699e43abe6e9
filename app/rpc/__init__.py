"""The gRPC API."""

import logging
import os

# gRPC's core writes unstructured lines to stderr, even for mistakes of clients, while this program logs JSON lines. It
# reads this variable at import. Set it to DEBUG to debug gRPC itself.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

# gRPC would log metadata values that are not valid UTF-8, and such a value may be a key. The call proceeds as usual.
logging.getLogger("grpc._cython.cygrpc").addFilter(lambda record: not str(record.msg).startswith("Invalid encoding"))
