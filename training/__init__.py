"""Training of the model bundles. The service does not import this package."""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # as in app/__init__.py
