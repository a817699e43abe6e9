"""Metrics of the pets domain count the answers and warnings that are returned."""

from collections import Counter
from pathlib import Path

from app.bundle.store import highest, read_bundle
from app.domains.pets.api import MODEL, PetsApi
from app.domains.pets.schema import Picture
from app.runtime.onnx import OnnxPredictor
from app.telemetry.exposition import exposition
from tests.model_manager import model_manager
from tests.pictures import encoded, synthetic_image


def test_answers_and_warnings_are_counted(models: Path) -> None:
    manager = model_manager(PetsApi)
    manager.add(OnnxPredictor(read_bundle(highest(models, MODEL))))
    domain = PetsApi(manager)
    answers = [domain.predict(Picture.uploaded(encoded(synthetic_image(seed)), "body")) for seed in range(12)]
    lines = exposition(manager.metrics).decode().splitlines()
    for pet, count in Counter(answer["pet"] for answer in answers).items():
        assert (
            f'pets_answers_total{{model="{MODEL}",version="{answers[0]["model"]["version"]}",pet="{pet}"}} {count}'
            in lines
        )
    codes = Counter(warning["code"] for answer in answers for warning in answer["warnings"])
    assert codes
    for code, count in codes.items():
        assert f'pets_warnings_total{{code="{code}"}} {count}' in lines
