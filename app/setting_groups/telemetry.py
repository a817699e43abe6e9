"""Settings of telemetry: OpenTelemetry, usage and audit."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from app.setting_groups.common import OptionalPath, SettingGroup


def _check_collector(url: str) -> str:
    if not url:
        return url
    if not url.startswith(("https://", "http://")) or not (url.isascii() and url.isprintable()):
        raise ValueError("must begin with https:// or http://")
    try:
        parts = urlsplit(url)
        is_valid = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_valid = False
    if not is_valid or parts.query or parts.fragment or " " in url:
        raise ValueError("must be a URL such as http://localhost:4318")
    if parts.username or parts.password:
        raise ValueError("must be without a name or a password: use OTEL_EXPORTER_OTLP_HEADERS")
    return url.rstrip("/")


def _check_headers(text: SecretStr) -> SecretStr:
    value = text.get_secret_value()
    pairs = [pair for pair in value.split(",") if pair.strip()]
    if not (value.isascii() and value.isprintable()) or not all(
        pair.partition("=")[0].strip() and "=" in pair for pair in pairs
    ):
        raise ValueError("must be pairs such as name=value, separated by commas")
    return text


class TelemetrySettings(SettingGroup):
    """The settings."""

    otel_exporter_otlp_endpoint: Annotated[str, AfterValidator(_check_collector)] = Field(
        default="",
        description="URL of an OpenTelemetry collector that accepts OTLP over HTTP, such as `http://localhost:4318`; "
        "it gets traces, metrics and logs. Needs `requirements/otel.txt`; see docs/telemetry.md. Empty: off.",
    )
    otel_exporter_otlp_headers: Annotated[SecretStr, AfterValidator(_check_headers)] = Field(
        default=SecretStr(""),
        description="Headers to send to the collector, as `name=value` pairs separated by commas, such as a token.",
    )
    otel_service_name: str = Field(
        default="beer-model",
        min_length=1,
        max_length=255,
        description="Name of the service in traces, metrics and logs.",
    )
    otel_traces_sampler: Literal[
        "always_on",
        "always_off",
        "traceidratio",
        "parentbased_always_on",
        "parentbased_always_off",
        "parentbased_traceidratio",
    ] = Field(
        default="parentbased_always_on",
        description="Which calls are traced, by the names of OpenTelemetry: `always_on`, `always_off`, `traceidratio`, "
        "or with the prefix `parentbased_` to follow the caller's decision if there is one.",
    )
    otel_traces_sampler_arg: float = Field(
        default=1.0, ge=0, le=1, description="Share of the calls that `traceidratio` traces, such as `0.01`."
    )
    otel_metric_export_interval: int = Field(
        default=60_000, ge=100, le=3_600_000, description="Milliseconds between two exports of the metrics."
    )
    usage_path: OptionalPath = Field(
        default=None,
        description="File in which calls, rows and rejected calls are counted by key and day, for "
        "`python -m app usage`; see docs/telemetry.md. Empty: off.",
    )
    audit_path: OptionalPath = Field(
        default=None,
        description="File to which a line of JSON is appended for each change of keys, models and settings; see "
        "docs/telemetry.md. Empty: the service's lines are in its log.",
    )
