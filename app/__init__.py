"""Beer Model: a service that answers with a beer's bitterness, how sure it is, and why."""

import os

__version__ = "0.1.0"

# ONNX Runtime's builds for Linux store an identifier of the machine and send telemetry, unless this variable is set
# before the import. Set it to 0 to enable the telemetry.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
