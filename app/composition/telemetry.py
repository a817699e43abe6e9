"""Builds what watches the calls: OpenTelemetry and the usage counts. Neither is imported where it is off."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.errors import SettingsError
from app.lifecycle import Component
from app.models.loaded import Observer
from app.runtime.predictor import Predictor
from app.settings import Settings
from app.telemetry.calls import Begin, CallWatch, End, note_rows
from app.telemetry.exemplars import Exemplars
from app.telemetry.metrics import Registry

if TYPE_CHECKING:
    from app.telemetry.otel.spans import Tracing


@dataclass(frozen=True)
class Telemetry:
    """What watches the calls; by default nothing does."""

    watch: CallWatch | None = None
    """Sees every call, if something wants to."""
    components: Sequence[Component] = ()
    """What runs in the background."""
    observers: Sequence[Observer] = ()
    """See the runs of every model."""
    exemplars: Exemplars | None = None
    """Traced calls by their duration."""
    traced: Callable[[Predictor], Predictor] = lambda predictor: predictor
    """Traces the runs of a predictor."""


def build_telemetry(settings: Settings, metrics: Registry) -> Telemetry:
    """Build what watches the calls; nothing runs in the background yet.

    Args:
        settings: The settings.
        metrics: Registry of the process's metrics.

    Raises:
        SettingsError: If OpenTelemetry is set and not installed, or the folder of USAGE_PATH does not exist.
    """
    telemetry = Telemetry()
    begins: list[Begin] = []
    ends: list[End] = []
    if settings.otel_exporter_otlp_endpoint:
        tracing, telemetry = _open_telemetry(settings, metrics)
        begins.append(tracing.begin)
        ends.append(tracing.end)
    if settings.usage_path is not None:
        from app.usage.counts import UsageCounts

        if not settings.usage_path.absolute().parent.is_dir():
            raise SettingsError(f"USAGE_PATH: {settings.usage_path.absolute().parent} is not a folder")
        counts = UsageCounts(settings.usage_path.absolute())
        ends.append(counts.count)
        telemetry = replace(telemetry, components=(*telemetry.components, counts), observers=(note_rows,))
    return replace(telemetry, watch=CallWatch(begins, ends)) if ends else telemetry


def _open_telemetry(settings: Settings, metrics: Registry) -> "tuple[Tracing, Telemetry]":
    try:
        from app.telemetry.otel.conventions import model_server_attributes
        from app.telemetry.otel.export import ExportOptions, OpenTelemetry
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("opentelemetry"):
            raise
        raise SettingsError(
            "OTEL_EXPORTER_OTLP_ENDPOINT: needs packages that are not installed here: "
            "pip install -r requirements/otel.txt"
        ) from None
    from app.runtime.traced import TracedPredictor

    options = ExportOptions(
        settings.otel_exporter_otlp_endpoint,
        settings.otel_exporter_otlp_headers.get_secret_value(),
        settings.otel_service_name,
        settings.otel_traces_sampler,
        settings.otel_traces_sampler_arg,
        settings.otel_metric_export_interval / 1000,
    )
    exporting = OpenTelemetry(options, metrics)
    tracing = exporting.tracing
    target = settings.model_server.partition("://")[2]
    client = model_server_attributes(target) if target else None

    def traced(predictor: Predictor) -> Predictor:
        attributes = client if predictor.remote else None
        return TracedPredictor(predictor, lambda run, model, rows: tracing.run_model(run, model, rows, attributes))

    return tracing, Telemetry(components=(exporting,), exemplars=tracing.exemplars, traced=traced)
