"""The pets API over REST: all ways to send a picture, hostile pictures, and the older interface."""

import asyncio
import base64
import json
import struct
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import httpx
import numpy as np
import pytest
from PIL import Image

from app.bundle.manifest import Manifest
from app.bundle.store import highest, read_bundle
from app.domains.beer.api import BeerApi
from app.domains.pets.api import MODEL, PetsApi
from app.domains.pets.picture import open_picture
from app.domains.pets.pixels import pixels
from app.domains.pets.schema import Picture
from app.models.manager import ModelManager
from app.rest.application import RestApplication
from app.runtime.onnx import OnnxPredictor
from app.telemetry.metrics import Registry
from tests.known import BEER, KEY
from tests.model_manager import model_manager
from tests.pictures import chunk, encoded, flat_png, mutant, synthetic_image
from tests.rest_application import rest_application

pytestmark = [pytest.mark.anyio, pytest.mark.filterwarnings("ignore::UserWarning:PIL")]
PICTURE = encoded(synthetic_image(7))
KINDS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


@pytest.fixture(scope="module")
def classifier(models: Path) -> OnnxPredictor:
    """The committed model for cat or dog."""
    return OnnxPredictor(read_bundle(highest(models, MODEL)))


@pytest.fixture(scope="module")
def both(manager: ModelManager, models: Path, classifier: OnnxPredictor) -> RestApplication:
    """A REST application with beer and pets."""
    shared = model_manager(BeerApi, PetsApi)
    for name in BeerApi.models:
        shared.add(OnnxPredictor(read_bundle(highest(models, name))))
    shared.add(classifier)
    return rest_application(shared, BeerApi(shared), PetsApi(shared))


@pytest.fixture
async def pets(both: RestApplication) -> AsyncIterator[httpx.AsyncClient]:
    """A client of that application."""
    transport = httpx.ASGITransport(app=both)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers={"X-API-Key": KEY}) as client:
        yield client


async def sent(client: httpx.AsyncClient, data: bytes, kind: str = "image/png") -> httpx.Response:
    """The response to a picture that is the body."""
    return await client.post("/pets/predict", content=data, headers={"Content-Type": kind})


def text_of(data: bytes) -> str:
    """The data in Base64."""
    return base64.b64encode(data).decode()


async def test_every_way_of_sending_a_picture_gets_the_same_answer(pets: httpx.AsyncClient) -> None:
    answers = [
        await sent(pets, PICTURE),
        await sent(pets, PICTURE, "image/jpeg"),
        await pets.post("/pets/predict", files={"image": ("cat.txt", PICTURE, "text/plain")}),
        await pets.post("/pets/predict", json={"image_b64": text_of(PICTURE)}),
        await pets.post("/pets/predict", json={"image_b64": text_of(PICTURE)}, headers={"X-Model-Version": "1"}),
    ]
    assert [answer.status_code for answer in answers] == [200] * 5
    response = answers[0].json()
    assert all(answer.json() == response for answer in answers)
    assert response["model"] == {"name": "cat-dog", "version": "1"}
    assert response["pet"] == max(response["probabilities"], key=response["probabilities"].get)
    assert response["confidence"] == max(response["probabilities"].values())
    assert sum(response["probabilities"].values()) == pytest.approx(1, abs=2e-4)


async def test_the_answer_is_the_output_of_the_model(pets: httpx.AsyncClient, classifier: OnnxPredictor) -> None:
    size = classifier.manifest.inputs[0].shape[1]
    for seed in range(8):
        data = encoded(synthetic_image(seed), "JPEG")
        outputs = classifier.predict({"image": pixels(open_picture(data).image, size)})
        probabilities = outputs["probabilities"][0]
        response = (await sent(pets, data, "image/jpeg")).json()
        assert list(response["probabilities"].values()) == np.round(probabilities.astype(float), 4).tolist()
        codes = ["neither"] if outputs["mass"][0, 0] < 0.1 else ["unsure"] if probabilities.max() < 0.8 else []
        assert [w["code"] for w in response["warnings"]] == codes


@pytest.mark.parametrize("kind", KINDS)
async def test_the_format_is_detected_from_the_contents(pets: httpx.AsyncClient, kind: str) -> None:
    for named in KINDS.values():
        assert (await sent(pets, encoded(synthetic_image(1), kind), named)).status_code == 200


async def test_an_animated_picture_is_answered_with_a_warning(pets: httpx.AsyncClient) -> None:
    frames = [synthetic_image(seed) for seed in (1, 2)]
    for kind in ("PNG", "WEBP"):
        data = encoded(frames[0], kind, save_all=True, append_images=frames[1:])
        assert "animated" in [w["code"] for w in (await sent(pets, data)).json()["warnings"]]


@pytest.mark.parametrize(
    "text",
    [
        text_of(PICTURE),
        text_of(PICTURE).rstrip("="),
        base64.urlsafe_b64encode(PICTURE).decode(),
        f"data:image/png;base64,{text_of(PICTURE)}",
        f"DATA:;BASE64,{text_of(PICTURE)}",
        " \n" + "\r\n".join(text_of(PICTURE)[at : at + 76] for at in range(0, 4 * len(PICTURE), 76)) + "\t",
    ],
    ids=["standard", "unpadded", "url", "data url", "bare data url", "lines"],
)
async def test_common_variants_of_base64_are_accepted(pets: httpx.AsyncClient, text: str) -> None:
    plain = (await sent(pets, PICTURE)).json()
    assert (await pets.post("/pets/predict", json={"image_b64": text})).json() == plain


@pytest.mark.parametrize(
    "text", ["", "====", "a", "???", "data:image/png,abcd", "data:", "\ud800", "é", text_of(PICTURE) + "*", 5, None, []]
)
async def test_invalid_base64_is_a_422_that_names_the_field(pets: httpx.AsyncClient, text: object) -> None:
    body = json.dumps({"image_b64": text})
    for path in ("/pets/predict", "/cat-dog_classification"):
        answer = await pets.post(path, content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code == 422 and "image_b64" in answer.text or "\\ud800" in body


@pytest.mark.parametrize("where", ["body", "image", "image_b64"])
async def test_the_error_of_a_bad_picture_names_its_field(pets: httpx.AsyncClient, where: str) -> None:
    data = b"GIF89a" + bytes(50)
    sending: dict[str, dict[str, Any]] = {
        "body": {"content": data, "headers": {"Content-Type": "image/png"}},
        "image": {"files": {"image": data}},
        "image_b64": {"json": {"image_b64": text_of(data)}},
    }
    answer = await pets.post("/pets/predict", **sending[where])
    assert answer.status_code == 422
    assert [(e["field"], e["code"]) for e in answer.json()["errors"]] == [(where, "no_picture")]


def jpeg_with(marker: int, data: bytes) -> bytes:
    """A JPEG with extra segments of this marker before its own."""
    plain = encoded(synthetic_image(3), "JPEG")
    parts = [data[at : at + 65_000] for at in range(0, len(data), 65_000)]
    return plain[:2] + b"".join(struct.pack(">BBH", 0xFF, marker, len(p) + 2) + p for p in parts) + plain[2:]


MEGABYTE = bytes(range(256)) * 4096
HOSTILE: dict[str, tuple[bytes, int]] = {
    "nothing": (b"", 422),
    "1 x 1": (flat_png(1, 1), 422),
    "1 x 50,000": (flat_png(1, 50_000), 422),
    "16 x 50,000": (flat_png(16, 50_000), 200),
    "50,000 x 50,000 in 100 KB": (flat_png(50_000, 50_000, rows=300), 422),
    "20 megapixels of one colour": (flat_png(4470, 4470, rows=0), 200),
    "20 megapixels, 16 bits, transparent": (flat_png(4470, 4470, 16, 6, 4), 200),
    "39 megapixels JPEG": (encoded(Image.new("RGB", (7200, 5400)), "JPEG"), 200),
    "39 megapixels progressive JPEG": (encoded(Image.new("RGB", (7200, 5400)), "JPEG", progressive=True), 200),
    "41 megapixels JPEG": (encoded(Image.new("L", (7600, 5400)), "JPEG"), 422),
    "15 megapixels WebP": (encoded(Image.new("RGB", (4000, 3900)), "WEBP", method=0), 422),
    "17 megapixels WebP": (encoded(Image.new("RGB", (4200, 4100)), "WEBP", method=0), 422),
    "fewer rows than declared": (flat_png(400, 400, rows=40), 200),
    "cut off PNG": (PICTURE[: len(PICTURE) // 2], 422),
    "cut off JPEG": (encoded(synthetic_image(3), "JPEG")[:1500], 422),
    "cut off WebP": (encoded(synthetic_image(3), "WEBP")[:600], 422),
    "CMYK": (encoded(synthetic_image(3).convert("CMYK"), "JPEG"), 200),
    "16 bit": (encoded(Image.fromarray(np.full((50, 50), 40_000, np.uint16))), 200),
    "palette with transparency": (encoded(synthetic_image(3).quantize(9), transparency=2), 200),
    "GIF named PNG": (encoded(synthetic_image(3), "GIF"), 422),
    "TIFF": (encoded(synthetic_image(3), "TIFF"), 422),
    "PDF with a JPEG in it": (b"%PDF-1.4\n" + encoded(synthetic_image(3), "JPEG"), 422),
    "JPEG with a page after it": (encoded(synthetic_image(3), "JPEG") + b"<script>alert(1)</script>" * 1000, 200),
    "PNG with a ZIP after it": (PICTURE + b"PK\x03\x04" + bytes(5000), 200),
    "megabyte of ICC in a JPEG": (jpeg_with(0xE2, MEGABYTE), 200),
    "megabyte of EXIF in a JPEG": (jpeg_with(0xE1, b"Exif\0\0II*\0" + b"\xff" * 2**20), 200),
    "megabyte of ICC in a PNG": (encoded(synthetic_image(3), icc_profile=MEGABYTE), 200),
    "megabyte of EXIF in a PNG": (PICTURE[:33] + chunk(b"eXIf", b"II*\0" + b"\xff" * 2**20) + PICTURE[33:], 200),
    "64 MB of text in a PNG": (
        PICTURE[:33] + chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**26))) + PICTURE[33:],
        200,
    ),
    "three thousand scans": (
        encoded(Image.new("RGB", (4000, 3000)), "JPEG", progressive=True)[:-2]
        + b"\xff\xda\0\x08\x01\x01\0\x01\x3f\0\0" * 3000
        + b"\xff\xd9",
        422,
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_hostile_picture_is_answered_or_rejected(pets: httpx.AsyncClient, name: str) -> None:
    data, status = HOSTILE[name]
    answer = await sent(pets, data)
    assert answer.status_code == status, answer.text
    older = await pets.post("/cat-dog_classification", json={"image_b64": text_of(data) or "="})
    assert older.status_code == status
    assert older.json()["status"] == ("Success" if status == 200 else "Failed")


@pytest.mark.parametrize("kind", KINDS)
async def test_mutants_are_answered_or_rejected(pets: httpx.AsyncClient, kind: str) -> None:
    good = encoded(synthetic_image(9), kind)
    statuses = [(await sent(pets, mutant(good, seed))).status_code for seed in range(170)]
    assert set(statuses) == {200, 422}


async def test_a_picture_of_more_than_12_mb_is_rejected_unread(pets: httpx.AsyncClient) -> None:
    assert (await sent(pets, bytes(12_000_001))).status_code == 413
    older = await pets.post("/cat-dog_classification", content=b" " * 12_000_001)
    assert (older.status_code, older.json()["status"]) == (413, "Failed")


async def test_the_older_interface_is_unchanged(pets: httpx.AsyncClient) -> None:
    today = (await sent(pets, PICTURE)).json()
    answer = await pets.post("/cat-dog_classification", json={"image_b64": text_of(PICTURE), "more": 1})
    response: dict[str, Any] = answer.json()
    assert answer.status_code == 200 and list(response) == ["status", "pet_type", "model_conf"]
    assert (response["status"], response["pet_type"]) == ("Success", today["pet"].upper())
    assert response["model_conf"] == round(100 * today["confidence"], 2) and 50 <= response["model_conf"] <= 100


@pytest.mark.parametrize("kind", ["image/jpg", "image/pjpeg", "application/octet-stream"])
async def test_a_picture_may_have_a_media_type_that_is_not_registered(pets: httpx.AsyncClient, kind: str) -> None:
    answer = await pets.post("/pets/predict", content=PICTURE, headers={"Content-Type": kind})
    assert (answer.status_code, answer.json()) == (200, (await sent(pets, PICTURE)).json())


@pytest.mark.parametrize(
    ("sending", "status"),
    [
        ({"json": {}}, 422),
        ({"json": {"image_b64": "???"}}, 422),
        ({"content": b"{"}, 422),
        ({"content": PICTURE, "headers": {"Content-Type": "image/png"}}, 415),
    ],
)
async def test_failures_of_the_older_interface_are_unchanged(
    pets: httpx.AsyncClient, sending: dict[str, Any], status: int
) -> None:
    answer = await pets.post("/cat-dog_classification", **sending)
    assert answer.status_code == status and answer.headers["content-type"] == "application/json"
    assert list(answer.json()) == ["status", "msg"] and answer.json()["status"] == "Failed"
    assert len(answer.json()["msg"]) > 5


async def test_beers_are_answered_while_pictures_are_classified(pets: httpx.AsyncClient) -> None:
    large = HOSTILE["20 megapixels, 16 bits, transparent"][0]
    task = asyncio.create_task(sent(pets, large))
    answered = 0
    while not task.done():
        assert (await pets.post("/predict", json=BEER)).status_code == 200
        answered += 1
    assert task.result().status_code == 200 and answered > 0


class OneModel:
    """A fake manager with one loaded model whose outputs the test sets."""

    def __init__(self, manifest: Manifest, cat: float, mass: float) -> None:
        self.manifest = manifest
        self._outputs = {"probabilities": np.array([[cat, 1 - cat]]), "mass": np.array([[mass]])}
        self._prepared = PetsApi.prepare(manifest, Registry())

    def get(self, name: str, version: str | None = None) -> "OneModel":
        return self

    def infer(self, inputs: object) -> dict[str, Any]:
        return self._outputs

    def prepared(self, kind: type[object]) -> object:
        return self._prepared[kind]


@pytest.mark.parametrize(
    ("cat", "mass", "codes"),
    [(0.9, 0.11, []), (0.9, 0.09, ["neither"]), (0.6, 0.09, ["neither"]), (0.79, 1, ["unsure"]), (0.21, 1, ["unsure"])],
)
def test_a_low_mass_gives_the_warning_neither_and_a_low_confidence_unsure(
    classifier: OnnxPredictor, cat: float, mass: float, codes: list[str]
) -> None:
    api = PetsApi(cast(ModelManager, OneModel(classifier.manifest, cat, mass)))
    answer = api.predict(Picture.uploaded(PICTURE, "body"))
    assert [warning["code"] for warning in answer["warnings"]] == codes
    assert answer["pet"] == ("cat" if cat > 0.5 else "dog")
