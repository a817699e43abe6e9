"""Records while a version is tried: each has the version that answered, and runs for comparison have none."""

from pathlib import Path

import pytest

from app.domains.beer.api import VITALS
from app.records.folder import Bounds
from app.records.reading import read_records
from app.records.recorder import Recorder
from tests.rollouts import TRIGGERED, Service

pytestmark = pytest.mark.anyio


async def test_the_version_that_answered_is_recorded(service: Service, tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "records", 1.0, Bounds(10**6, 3600, 10**9), service.manager.metrics)
    service.manager._recorder = service.manager.get(VITALS).recorder = recorder  # as the program builds it
    recorder.start()
    await service.predict()
    service.begin("3", "shadow", max_difference=1e6)
    await service.predict()
    service.begin("3")
    await service.predict()
    service.begin("5")
    await service.predict()
    await service.predict(TRIGGERED)  # version 5 fails, and version 1 answers
    await recorder.stop()
    records = list(read_records([tmp_path / "records"]))
    assert [each.version for each in records] == ["1", "1", "3", "5", "1"]
    assert records[2].outputs["ibu"] == pytest.approx(records[0].outputs["ibu"] + 20, abs=1e-4)
