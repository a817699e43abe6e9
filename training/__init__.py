"""Training: recipe data in, a verified model bundle out. The service never imports it."""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # as in app/__init__.py
