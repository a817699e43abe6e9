"""The settings of records: what is accepted, and what the recorder that is built of them does."""

import importlib.util
from pathlib import Path

import pytest

from app.composition.records import build_recorder
from app.errors import SettingsError
from app.settings import Settings, load_settings
from app.telemetry.metrics import Registry
from tests.known import KEY


@pytest.fixture
def settings(plain_environment: Path, monkeypatch: pytest.MonkeyPatch) -> "type[Loaded]":
    monkeypatch.setenv("API_KEY", KEY)
    return Loaded


class Loaded:
    """Loads the settings from the environment and others."""

    @staticmethod
    def of(monkeypatch: pytest.MonkeyPatch, **values: str) -> Settings:
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        return load_settings()


@pytest.mark.parametrize(
    ("value", "rate"),
    [("off", 0), ("all", 1), ("sample:0.01", 0.01), ("sample:.5", 0.5), ("sample:1", 1), ("sample:1.0", 1)],
)
def test_a_share_is_off_all_or_a_rate(
    settings: type[Loaded], monkeypatch: pytest.MonkeyPatch, value: str, rate: float
) -> None:
    assert settings.of(monkeypatch, RECORD=value).record_rate == rate


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("RECORD", value) for value in ("", "on", "sample", "sample:", "sample:0", "sample:0.0", "sample:2")),
        *(("RECORD", value) for value in ("sample:1.5", "sample:-1", "sample:nan", "sample:1e-3", "all:1", "off:0.5")),
        *(("RECORD_PATH", value) for value in ("", "s3://", "gs://bucket", "file:///records")),
        ("RECORD_FORMAT", "csv"),
        ("RECORD_FILE_SIZE", "10"),
        ("RECORD_DISK", "1000"),
    ],
)
def test_anything_else_is_rejected_by_name(
    settings: type[Loaded], monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    with pytest.raises(SettingsError, match=f"^{name}: "):
        settings.of(monkeypatch, **{name: value})


def test_without_records_there_is_no_recorder(settings: type[Loaded], monkeypatch: pytest.MonkeyPatch) -> None:
    assert build_recorder(settings.of(monkeypatch), Registry()) is None


def test_parquet_without_its_package_is_rejected_with_what_to_install(
    settings: type[Loaded], monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = settings.of(monkeypatch, RECORD="all", RECORD_FORMAT="parquet")
    if importlib.util.find_spec("pyarrow") is not None:
        pytest.skip("pyarrow is installed")
    with pytest.raises(SettingsError, match="RECORD_FORMAT.*pip install -r requirements/parquet.txt"):
        build_recorder(chosen, Registry())
