"""OpenTelemetry: traces, metrics and logs, sent to a collector over OTLP/HTTP by the official SDK's exporters.

Imported only where OTEL_EXPORTER_OTLP_ENDPOINT is set; docs/telemetry.md describes what is sent.
"""
