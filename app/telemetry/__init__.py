"""Telemetry: metrics, logs, request ids and trace contexts."""
