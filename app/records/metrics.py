"""Metrics of recording."""

from app.telemetry.metrics import Family

RECORDED = Family("records_total", "Rows that were recorded: their lines are written.", "counter")
BYTES = Family("records_bytes_total", "Bytes of the lines that were written.", "counter")
DROPPED = Family(
    "records_dropped_total",
    "Rows that were to be recorded and are lost, by reason: queue, the writer cannot keep up; disk, the folder cannot "
    "be written; bucket, the store takes no files and the folder is full of them; error, a fault of the program.",
    "counter",
    ("reason",),
)
REASONS = ("queue", "disk", "bucket", "error")
"""Why records are dropped."""
