"""Log lines for the collector, each with the span of its call.

Those of the program's loggers are sent, from LOG_LEVEL on. Of the access log, the lines of sampled calls are sent: the
thread that exports spans makes them, so that they take no time of the event loop.
"""

import logging
import traceback
from collections.abc import Iterator

from opentelemetry._logs import Logger, LogRecord, SeverityNumber
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.semconv.attributes.exception_attributes import EXCEPTION_STACKTRACE, EXCEPTION_TYPE
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags, set_span_in_context

from app.telemetry.calls import current_calls
from app.telemetry.otel.losses import is_own

MAX_CHARACTERS = 8192
"""Maximum length of a message or a traceback: what waits is bounded in memory."""
LOGGER = "log.logger"
"""Attribute: name of the program's logger."""
_SEVERITIES = {
    logging.DEBUG: SeverityNumber.DEBUG,
    logging.INFO: SeverityNumber.INFO,
    logging.WARNING: SeverityNumber.WARN,
    logging.ERROR: SeverityNumber.ERROR,
    logging.CRITICAL: SeverityNumber.FATAL,
}
_NOTHING = Context()


class ExportHandler(logging.Handler):
    """Hands the records of all loggers to the SDK."""

    def __init__(self, logger: Logger) -> None:
        """Initialize the handler.

        Args:
            logger: The SDK's logger.
        """
        super().__init__()
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        """Hand over a record. The lines about the export itself stay here, or each failure would cause the next."""
        if is_own(record.name):
            return
        try:
            self._logger.emit(_log_record(record))
        except Exception:
            self.handleError(record)


def _log_record(record: logging.LogRecord) -> LogRecord:
    attributes = {LOGGER: record.name}
    if record.exc_info and record.exc_info[0] is not None:
        attributes[EXCEPTION_TYPE] = record.exc_info[0].__name__
        attributes[EXCEPTION_STACKTRACE] = "".join(traceback.format_exception(*record.exc_info))[-MAX_CHARACTERS:]
    return LogRecord(
        timestamp=int(record.created * 1e9),
        context=_context(),
        severity_text=record.levelname,
        severity_number=_SEVERITIES.get(record.levelno, SeverityNumber.UNSPECIFIED),
        body=record.getMessage()[:MAX_CHARACTERS],
        attributes=attributes,
    )


def _context() -> Context:
    for call in current_calls():
        if call.span is not None:
            return _of_span(SpanContext(call.span.trace, call.span.span, False, TraceFlags(TraceFlags.SAMPLED)))
    return _NOTHING


def _of_span(context: SpanContext) -> Context:
    return set_span_in_context(NonRecordingSpan(context), _NOTHING)


def access_records(spans: list[ReadableSpan]) -> Iterator[LogRecord]:
    """Yield a record of the access log for each call among the spans."""
    for span in spans:
        if span.kind is SpanKind.SERVER and span.context is not None:
            yield LogRecord(
                timestamp=span.end_time,
                context=_of_span(span.context),
                severity_text="INFO",
                severity_number=SeverityNumber.INFO,
                body=span.name,
                attributes=dict(span.attributes or {}),
                event_name="request",
            )
