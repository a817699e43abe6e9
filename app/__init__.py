"""Beer Model: a service that answers with a beer's bitterness, how sure it is, and why."""

import os

__version__ = "0.1.0"

# ONNX Runtime's builds for Linux keep an identifier of the machine and report to their maker, unless told before they
# are imported. Whoever wants that sets the variable to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
