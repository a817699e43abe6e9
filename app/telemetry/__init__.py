"""Telemetry: what the program shows of itself."""
