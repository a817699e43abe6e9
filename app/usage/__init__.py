"""Usage: calls, rows and refused calls, counted by key and day; docs/telemetry.md."""
