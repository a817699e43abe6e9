"""What the collector gets of the process's figures, what is lost, and packages that are not installed."""

import sys
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from app.composition.telemetry import Telemetry, build_telemetry
from app.errors import SettingsError
from app.settings import Settings
from app.telemetry.exemplars import Exemplars
from app.telemetry.metrics import Family, Registry
from app.telemetry.otel.durations import Durations
from app.telemetry.otel.losses import LOST, Losses
from app.telemetry.otel.metrics import MetricsReader
from tests.known import KEY

CALLS = Family("calls_total", "Calls.", "counter", ("of",))
SECONDS = Family("call_seconds", "Durations.", "histogram", (), (0.1, 1.0))


def test_a_process_reports_what_it_counted_itself(tmp_path: Path) -> None:
    earlier = Registry(tmp_path)
    earlier.counter(CALLS, 'a"b').inc(5)
    earlier.leave()
    registry, other = Registry(tmp_path), Registry(tmp_path)
    other.counter(CALLS, 'a"b').inc(100)
    counter, histogram = registry.counter(CALLS, 'a"b'), registry.histogram(SECONDS)
    reader = MetricsReader(registry, Durations(), Exemplars(), Resource({}), InstrumentationScope("test"))
    counter.inc(3)
    histogram.observe(0.5)
    metrics: dict[str, Any] = {
        metric.name: metric.data for metric in reader.read().resource_metrics[0].scope_metrics[0].metrics
    }
    point = metrics["calls_total"].data_points[0]
    assert (point.value, dict(point.attributes or {})) == (3, {"of": 'a"b'})
    bucket = metrics["call_seconds"].data_points[0]
    assert (bucket.bucket_counts, bucket.explicit_bounds, bucket.count, bucket.sum) == ([0, 1, 0], (0.1, 1.0), 1, 0.5)


def test_what_does_not_fit_and_what_fails_is_counted() -> None:
    registry = Registry()
    losses = Losses(registry, "traces", queue=10)
    for _ in range(15):
        losses.offered()
    losses.taken(10)
    for _ in range(10):
        losses.offered()
    losses.taken(4)
    losses.failed(4)
    assert registry.read()[LOST.name, 'signal="traces"', ""] == 9


def test_without_the_packages_the_start_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(sys.modules):
        if name.startswith(("opentelemetry", "app.telemetry.otel")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    assert build_telemetry(Settings(api_key=KEY), Registry()) == Telemetry()
    with pytest.raises(SettingsError, match=r"OTEL_EXPORTER_OTLP_ENDPOINT: .*pip install -r requirements/otel\.txt"):
        build_telemetry(Settings(api_key=KEY, otel_exporter_otlp_endpoint="http://collector:4318"), Registry())


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("otel_exporter_otlp_endpoint", "collector:4318", "must begin with"),
        ("otel_exporter_otlp_endpoint", "http://", "must be a URL"),
        ("otel_exporter_otlp_endpoint", "http://name:secret@collector", "must be without a name or a password"),
        ("otel_exporter_otlp_headers", "authorization secret", "must be pairs"),
        ("otel_traces_sampler", "sometimes", "Input should be"),
        ("otel_traces_sampler_arg", "1.5", "less than or equal to 1"),
    ],
)
def test_a_bad_setting_is_named_without_what_may_be_secret(name: str, value: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as raised:
        Settings.model_validate({"api_key": KEY, name: value})
    assert name in str(raised.value) and "secret" not in str(raised.value)
