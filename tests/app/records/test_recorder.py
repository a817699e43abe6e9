"""The recorder: whose rows are recorded, what a record holds, and what happens when rows cannot be written."""

import asyncio
import json
import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from app.bundle.store import Bundle, highest, read_bundle
from app.domains.beer.api import RECIPE, STYLE, VITALS, BeerApi
from app.domains.iris import IrisApi
from app.models.manager import ModelManager
from app.records.folder import Bounds, LineWriter
from app.records.reading import Record, read_records
from app.records.recorder import Recorder, is_sampled
from app.runtime.onnx import OnnxPredictor
from app.telemetry.ids import EnteredRequestIds, current_row, enter_requests, enter_row
from app.telemetry.metrics import Registry
from tests.known import KEY
from tests.model_manager import model_manager
from tests.rest_application import rest_application

pytestmark = pytest.mark.anyio
BEER = {"abv": 5.6, "target_og": 1056.0, "target_fg": 1013.0, "ebc": 17.0, "ph": 4.4}
HOPS = {"hops": [{"name": "Secret Hop", "amount_g": 25, "stage": "end"}], "yeast": "Secret Yeast", "batch_volume_l": 20}
BOUNDS = Bounds(10**6, 3600, 10**9)


class Recorded:
    """The REST API with a recorder."""

    def __init__(
        self, folder: Path, predictors: Sequence[OnnxPredictor], rate: float = 1.0, text: bool = False
    ) -> None:
        self.folder = folder
        self.metrics = Registry()
        self.recorder = Recorder(folder, rate, BOUNDS, self.metrics, text)
        self.manager: ModelManager = model_manager(BeerApi, IrisApi, recorder=self.recorder)
        for predictor in predictors:
            self.manager.add(predictor)
        application = rest_application(self.manager, BeerApi(self.manager), IrisApi(self.manager), names_requests=True)
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(application), base_url="http://test", headers={"X-API-Key": KEY}
        )
        self.recorder.start()

    async def post(self, path: str, body: Any, request_id: str, **headers: str) -> Any:
        response = await self.client.post(path, json=body, headers={"X-Request-ID": request_id, **headers})
        assert response.status_code == 200, response.text
        return response.json()

    async def records(self) -> list[Record]:
        """Stop, and return what was recorded."""
        await self.recorder.stop()
        return list(read_records([self.folder]))

    def figure(self, family: str, label: str = "") -> float:
        return sum(value for (name, line, _), value in self.metrics.read().items() if name == family and label in line)


@pytest.fixture(scope="module")
def predictors(models: Path) -> list[OnnxPredictor]:
    return [OnnxPredictor(read_bundle(highest(models, name))) for name in (VITALS, RECIPE, STYLE, "iris")]


@pytest.fixture
def service(tmp_path: Path, predictors: list[OnnxPredictor]) -> Iterator[Recorded]:
    service = Recorded(tmp_path / "records", predictors)
    yield service
    service.recorder._stop()


async def test_each_row_is_recorded_with_the_id_of_its_request(service: Recorded) -> None:
    answer = await service.post("/predict", BEER, "one")
    await service.post("/predict/batch", {"beers": [BEER, {**BEER, **HOPS}, {**BEER, "abv": 30.0}]}, "batch")
    await service.post("/explain", BEER, "explained")
    await service.post("/iris/predict", {"sepal_length": 5, "sepal_width": 3, "petal_length": 1, "petal_width": 1}, "i")
    rows = np.array([[5.6, 1056, 1013, 17, np.nan, 4.4], [5.6, 1056, 1013, 17, np.nan, 5]], np.float32)
    tensor = {"name": "ph", "datatype": "FP32", "shape": [2, 1], "data": [4.4, 5.0]}
    others = [
        {"name": name, "datatype": "FP32", "shape": [2, 1], "data": rows[:, column].tolist()}
        for column, name in enumerate(("abv", "target_og", "target_fg", "ebc"))
    ]
    await service.post("/v2/models/beer-ibu/infer", {"inputs": [*others, tensor]}, "oip")
    records = await service.records()
    found = sorted((each.request_id, each.row, each.model) for each in records)
    assert found == [
        ("batch", 0, VITALS),
        ("batch", 1, RECIPE),
        ("batch", 2, VITALS),
        ("explained", 0, VITALS),
        ("i", 0, "iris"),
        ("oip", 0, VITALS),
        ("oip", 1, VITALS),
        ("one", 0, VITALS),
    ]
    by_id = {(each.request_id, each.row): each for each in records}
    one = by_id["one", 0]
    assert one.inputs["abv"] == np.float32(5.6) and one.inputs["target_og"] == 1056
    assert np.isnan(one.inputs["srm"]) and one.warnings == () and one.text is None
    assert round(one.outputs["ibu"], 1) == answer["ibu"]
    assert by_id["explained", 0].outputs == by_id["oip", 0].outputs == by_id["batch", 0].outputs == one.outputs
    assert "outside_trained_range" in by_id["batch", 2].warnings
    assert list(by_id["i", 0].outputs) == ["class_id", "scores.0", "scores.1", "scores.2"]
    assert service.figure("records_total") == 8 and service.figure("records_dropped_total") == 0
    sizes = sum(path.stat().st_size for path in service.folder.iterdir())
    assert service.figure("records_bytes_total") == sizes


async def test_requests_that_are_answered_together_keep_their_ids(service: Recorded) -> None:
    beers = [{**BEER, "abv": 4 + number / 10, **(HOPS if number % 3 == 0 else {})} for number in range(12)]
    await asyncio.gather(*(service.post("/predict", beer, f"call-{i}") for i, beer in enumerate(beers)))
    records = await service.records()
    assert {each.request_id: each.inputs["abv"] for each in records} == {
        f"call-{number}": np.float32(4 + number / 10) for number in range(12)
    }
    assert {each.row for each in records} == {0}
    assert max(size for _, size in (each.run for each in records)) > 1  # they did run together
    assert {each.model for each in records} == {VITALS, RECIPE}


async def test_a_rejected_or_failed_row_is_not_recorded(service: Recorded) -> None:
    response = await service.client.post("/predict", json={**BEER, "target_og": 1013.0, "target_fg": 1056.0})
    assert response.status_code == 422
    response = await service.client.post("/predict/batch", json={"beers": [BEER, {"abv": 3.0}]})
    assert response.status_code == 422
    assert await service.records() == []


async def test_neither_key_nor_names_are_recorded(service: Recorded) -> None:
    await service.post("/predict", {**BEER, **HOPS}, "named")
    await service.post("/predict", {**BEER, "style": "American IPA"}, "style")
    await service.records()
    text = "".join(path.read_text() for path in service.folder.iterdir())
    assert "named" in text
    assert not any(secret in text for secret in (KEY, "Secret", "American IPA"))


async def test_names_are_recorded_on_demand(tmp_path: Path, predictors: list[OnnxPredictor]) -> None:
    service = Recorded(tmp_path, predictors, text=True)
    await service.post("/predict", {**BEER, **HOPS, "malts": [{"name": "Pale", "amount_kg": 4}]}, "named")
    await service.post("/predict", {**BEER, "style": "American IPA"}, "style")
    records = {each.request_id: each.text for each in await service.records()}
    assert records == {
        "named": {"hops": ["Secret Hop"], "malts": ["Pale"], "yeast": "Secret Yeast"},
        "style": {"style": "American IPA"},
    }
    assert KEY not in "".join(path.read_text() for path in tmp_path.iterdir())


async def test_rows_of_one_request_that_are_answered_one_by_one_have_different_numbers(service: Recorded) -> None:
    question = {"beer": {**BEER, **HOPS}, "target": {"ibu": 30}}
    document = {"questions": [question, {**question, "target": {"ibu": 35}}]}
    response = await service.client.post("/solve/batch", json=document, headers={"X-Request-ID": "solved"})
    if response.status_code != 200:
        pytest.fail(response.text)
    records = await service.records()
    assert [(each.request_id, each.row) for each in records] == [("solved", 0), ("solved", 1)]


@pytest.mark.parametrize("prefix", ["0123456789ab-", "", "request-"])
def test_the_share_of_sampled_requests_is_within_binomial_bounds(prefix: str) -> None:
    for rate in (0.01, 0.1, 0.5):
        threshold, calls = round(rate * 2**32), 100_000
        sampled = sum(is_sampled(f"{prefix}{number}".encode(), threshold) for number in range(calls))
        deviation = (calls * rate * (1 - rate)) ** 0.5
        assert abs(sampled - calls * rate) < 5 * deviation, (rate, sampled)
    assert not is_sampled(b"any", 0) and is_sampled(b"any", 2**32)


async def test_a_sampled_request_is_recorded_whole(tmp_path: Path, predictors: list[OnnxPredictor]) -> None:
    service = Recorded(tmp_path, predictors, rate=0.3)
    await asyncio.gather(*(service.post("/predict", BEER, f"call-{number}") for number in range(60)))
    for number in range(20):
        await service.post("/predict/batch", {"beers": [BEER, {**BEER, **HOPS}, BEER]}, f"batch-{number}")
    threshold = round(0.3 * 2**32)
    rows: dict[str, set[int]] = {}
    for each in await service.records():
        rows.setdefault(each.request_id, set()).add(each.row)
    sampled = {f"call-{n}": {0} for n in range(60) if is_sampled(f"call-{n}".encode(), threshold)}
    sampled |= {f"batch-{n}": {0, 1, 2} for n in range(20) if is_sampled(f"batch-{n}".encode(), threshold)}
    assert rows == sampled and 10 < len(sampled) < 40


def test_the_rows_of_a_request_begin_at_0_wherever_the_one_before_ended() -> None:
    enter_row(2)
    EnteredRequestIds().of(b"")
    assert current_row() == 0


def _record(recorder: Recorder, bundle: Bundle, rows: int = 1) -> None:
    EnteredRequestIds().of(b"")
    inputs = {"features": np.ones((rows, 6), np.float32)}
    outputs = {name: np.ones((rows, 1), np.float32) for name in (each.name for each in bundle.manifest.outputs)}
    recorder.record(bundle.manifest, inputs, outputs)


async def test_a_folder_that_cannot_be_written_drops_records_and_is_reported_once(
    tmp_path: Path, bundle: Bundle, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "app.records")
    (tmp_path / "records").write_text("in the way")
    metrics = Registry()
    recorder = Recorder(tmp_path / "records", 1.0, BOUNDS, metrics)
    recorder.start()
    for number in range(3):
        _record(recorder, bundle, 5)
        _wait(lambda number=number: _figure(metrics, "records_dropped_total", "disk") == 5 * (number + 1))
    (tmp_path / "records").unlink()
    _record(recorder, bundle, 2)
    await recorder.stop()
    assert len(list(read_records([tmp_path / "records"]))) == 2
    messages = [each.getMessage() for each in caplog.records]
    assert [message.partition(":")[0] for message in messages] == ["records are dropped", "records are written again"]


async def test_a_full_queue_drops_records_and_waits_for_nobody(
    tmp_path: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder hangs: the file is a pipe that nobody reads."""
    read, write = os.pipe()
    metrics = Registry()
    recorder = Recorder(tmp_path, 1.0, BOUNDS, metrics)
    monkeypatch.setattr(LineWriter, "_open", lambda self: setattr(self, "_descriptor", write))
    recorder.start()
    start = time.perf_counter()
    for _ in range(5):
        _record(recorder, bundle, 5_000)
    assert time.perf_counter() - start < 1
    assert _figure(metrics, "records_dropped_total", "queue") >= 10_000
    os.set_blocking(read, False)
    recorder._stopping.set()
    recorder._wake.set()

    def drained() -> bool:
        try:
            os.read(read, 1 << 20)
        except BlockingIOError:
            pass
        return not recorder._thread.is_alive()

    _wait(drained)
    os.close(read)


async def test_pictures_are_not_recorded(tmp_path: Path, models: Path) -> None:
    manifest = read_bundle(highest(models, "cat-dog")).manifest
    metrics = Registry()
    recorder = Recorder(tmp_path, 1.0, BOUNDS, metrics)
    recorder.start()
    recorder.record(
        manifest,
        {"image": np.zeros((2, 128, 128, 3), np.float32)},
        {"probabilities": np.ones((2, 2), np.float32), "mass": np.ones((2, 1), np.float32)},
    )
    await recorder.stop()
    assert list(tmp_path.iterdir()) == [] and _figure(metrics, "records_dropped_total") == 0


async def test_a_fault_in_one_run_does_not_end_the_recording(tmp_path: Path, bundle: Bundle) -> None:
    metrics = Registry()
    recorder = Recorder(tmp_path, 1.0, BOUNDS, metrics)
    recorder.start()
    inputs, outputs = {"features": np.ones((3, 6), np.float32)}, {"ibu": np.ones((3, 1), np.float32)}
    EnteredRequestIds().of(b"")
    recorder.record(bundle.manifest, inputs, outputs)  # lacks the other outputs
    enter_requests([b"a", b"b"])
    recorder.record(bundle.manifest, inputs, outputs)  # lacks the id of a row
    _record(recorder, bundle)
    await recorder.stop()
    assert _figure(metrics, "records_dropped_total", "error") == 6
    assert len(list(read_records([tmp_path]))) == 1


async def test_infinite_outputs_and_missing_inputs_are_valid_json(tmp_path: Path, bundle: Bundle) -> None:
    recorder = Recorder(tmp_path, 1.0, BOUNDS, Registry())
    recorder.start()
    enter_requests([b"a", b"b"])
    outputs = {each.name: np.array([[np.inf], [-np.inf]], np.float32) for each in bundle.manifest.outputs}
    recorder.record(bundle.manifest, {"features": np.full((2, 6), np.nan, np.float32)}, outputs)
    await recorder.stop()
    (path,) = tmp_path.iterdir()
    lines = [json.loads(line, parse_constant=pytest.fail) for line in path.read_text().splitlines()]
    assert lines[0]["inputs"]["abv"] is None and lines[0]["outputs"]["ibu"] == "Infinity"
    records = list(read_records([path]))
    assert [each.outputs["ibu"] for each in records] == [np.inf, -np.inf]
    assert [each.request_id for each in records] == ["a", "b"]


async def test_nothing_is_recorded_before_the_start_and_after_the_end(tmp_path: Path, bundle: Bundle) -> None:
    recorder = Recorder(tmp_path, 1.0, BOUNDS, Registry())
    _record(recorder, bundle)
    recorder.start()
    await recorder.stop()
    _record(recorder, bundle)
    assert list(tmp_path.iterdir()) == []
    assert not any(thread.name == "records" for thread in threading.enumerate())


def _figure(metrics: Registry, family: str, label: str = "") -> float:
    return sum(value for (name, line, _), value in metrics.read().items() if name == family and label in line)


def _wait(done: Any) -> None:
    end = time.monotonic() + 20
    while not done():
        assert time.monotonic() < end
        time.sleep(0.005)
