"""Uploads: files as bodies and in forms, limits, and failures in the words of an older contract."""

from collections.abc import AsyncIterator, Sequence
from typing import Any, Literal, NotRequired

import httpx
import pytest
from pydantic import BaseModel, ConfigDict
from typing_extensions import TypedDict

from app.domains.api import Operation, Upload
from app.errors import InputError, ModelNotReady, Problem
from app.models.manager import ModelManager
from tests.known import KEY
from tests.rest_application import rest_application

pytestmark = pytest.mark.anyio
LIMIT = 20_000


class SharedCounters(BaseModel):
    """A file, and where it stood."""

    model_config = ConfigDict(strict=True, extra="forbid")

    text: str
    field: Literal["text", "body", "sheet"] = "text"


class Length(TypedDict):
    """What was found, or why not."""

    length: NotRequired[int]
    field: NotRequired[str]
    wrong: NotRequired[str]


def measured(sheet: SharedCounters, version: str | None = None) -> Length:
    """The file's length; some are refused."""
    if sheet.text == "bad":
        raise InputError([Problem(sheet.field, "bad", "must not be <bad>")])
    if sheet.text == "away":
        raise ModelNotReady
    return {"length": len(sheet.text), "field": sheet.field}


def uploaded(data: bytes, field: str) -> SharedCounters:
    """A file as a request."""
    return SharedCounters.model_validate({"text": data.decode("latin-1"), "field": field})


class SheetFace:
    """Takes files, in words of today and of before."""

    models: Sequence[str] = ()

    @property
    def operations(self) -> Sequence[Operation[Any, Any]]:
        told: dict[str, Any] = {
            "summary": "Measure",
            "description": "",
            "request": SharedCounters,
            "answer": Length,
            "answered": "Length",
            "run": measured,
            "size": "file",
            "slow": lambda sheet: True,
        }
        upload = Upload(("text/csv", "text/plain"), "sheet", uploaded)
        return (
            Operation(name="now", path="/now", upload=upload, **told),
            Operation(name="before", path="/before", failure=lambda reason: {"wrong": reason}, **told),
        )


@pytest.fixture
async def files() -> AsyncIterator[httpx.AsyncClient]:
    """A client of a door that takes files."""
    application = rest_application(
        ModelManager(["sheets"]), SheetFace(), body_limits={"one": 10, "many": 10, "file": LIMIT}
    )
    transport = httpx.ASGITransport(app=application)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers={"X-API-Key": KEY}) as client:
        yield client


@pytest.mark.parametrize("length", [0, 5, 10_000])
async def test_a_file_is_the_body_a_part_of_a_form_or_json(files: httpx.AsyncClient, length: int) -> None:
    text = "x" * length
    as_body = await files.post("/now", content=text, headers={"Content-Type": "Text/CSV; charset=latin-1"})
    in_form = await files.post("/now", files={"sheet": ("any name.exe", text.encode())}, data={"more": "z"})
    in_json = await files.post("/now", json={"text": text})
    assert [answer.json() for answer in (as_body, in_form, in_json)] == [
        {"length": length, "field": field} for field in ("body", "sheet", "text")
    ]


FORM = {"Content-Type": 'multipart/form-data; boundary="a b"'}
HEAD = b'Content-Disposition: form-data; name="sheet"\r\n\r\n'


@pytest.mark.parametrize(
    "body",
    [
        b"--a b\r\n" + HEAD + b"12345\r\n--a b--\r\n",
        b"preamble\r\n--a b  \r\ncontent-TYPE: x/y\r\n" + HEAD + b"12345\r\n--a b--\r\nepilogue\r\n--a b",
        b'--a b\r\nContent-Disposition: form-data; filename="a;name=b"; name=sheet\r\n\r\n12345\r\n--a b--',
    ],
)
async def test_forms_may_be_written_in_many_ways(files: httpx.AsyncClient, body: bytes) -> None:
    answer = await files.post("/now", content=body, headers=FORM)
    assert (answer.status_code, answer.json()) == (200, {"length": 5, "field": "sheet"})


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"--x\r\n" + HEAD + b"1\r\n--x--"),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"--x\r\n" + HEAD + b"cut o"),
        ("multipart/form-data; boundary=x", b"--x\r\n" + HEAD + b"1\r\n--x\r\n"),
        ("multipart/form-data; boundary=x", b"--x\r\nno head\r\n--x--"),
        ("multipart/form-data; boundary=x", b"--xy\r\n" + HEAD + b"1\r\n--x--"),
        ("multipart/form-data; boundary=x", (b"--x\r\n" + HEAD + b"1\r\n") * 33 + b"--x--"),
        ("multipart/form-data; boundary=x", b"--x\r\n" + HEAD + b"\r\n--xZ" * 65 + b"\r\n--x--"),
        ("multipart/form-data; boundary=x", b"--x\r\n" + (b"a: " + b"b" * 3000 + b"\r\n") * 3 + HEAD + b"1\r\n--x--"),
        ("multipart/form-data; boundary=x", b"--x--"),
        ("multipart/form-data; boundary=x", b"--x\r\n" + b"a" * 9000 + HEAD + b"1\r\n--x--"),
    ],
)
async def test_what_is_no_form_is_refused(files: httpx.AsyncClient, content_type: str, body: bytes) -> None:
    answer = await files.post("/now", content=body, headers={"Content-Type": content_type})
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


@pytest.mark.parametrize(
    ("form", "code"),
    [([("other", b"1")], "missing"), ([("sheet", b"1"), ("sheet", b"2")], "repeated"), ([("SHEET", b"1")], "missing")],
)
async def test_a_form_has_the_file_once(files: httpx.AsyncClient, form: list[tuple[str, bytes]], code: str) -> None:
    answer = await files.post("/now", files=[(name, ("f", data)) for name, data in form])
    assert answer.status_code == 422
    assert [(e["field"], e["code"]) for e in answer.json()["errors"]] == [("sheet", code)]


async def test_a_file_of_another_type_is_refused_and_the_types_are_named(files: httpx.AsyncClient) -> None:
    answer = await files.post("/now", content=b"x", headers={"Content-Type": "image/gif"})
    assert answer.status_code == 415
    assert all(kind in answer.json()["detail"] for kind in ("application/json", "text/csv", "multipart/form-data"))
    packed = await files.post("/now", content=b"x", headers={"Content-Type": "text/csv", "Content-Encoding": "gzip"})
    assert packed.status_code == 415


async def test_files_have_a_limit_of_their_own(files: httpx.AsyncClient) -> None:
    kind = {"Content-Type": "text/plain"}
    assert (await files.post("/now", content=b"x" * LIMIT, headers=kind)).status_code == 200
    assert (await files.post("/now", content=b"x" * (LIMIT + 1), headers=kind)).status_code == 413


async def test_a_wrong_file_is_named_by_where_it_stood(files: httpx.AsyncClient) -> None:
    as_body = await files.post("/now", content=b"bad", headers={"Content-Type": "text/plain"})
    in_form = await files.post("/now", files={"sheet": b"bad"})
    assert [answer.json()["errors"][0]["field"] for answer in (as_body, in_form)] == ["body", "sheet"]


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ({"text": "bad"}, 422, "text: must not be ?bad?"),
        ({"text": 1}, 422, "text: must be a valid string"),
        ({"text": "away"}, 503, "The model is not ready."),
        ({"text": "x" * LIMIT}, 413, "The body exceeds the size limit of this route."),
        ({"<b>": 1, "text": ""}, 422, "?b?: is not a field of this request"),
    ],
)
async def test_an_older_contract_words_its_failures(
    files: httpx.AsyncClient, body: dict[str, object], status: int, reason: str
) -> None:
    answer = await files.post("/before", json=body)
    assert (answer.status_code, answer.json()) == (status, {"wrong": reason})
    assert answer.headers["content-type"] == "application/json"


async def test_the_page_lets_a_file_be_chosen(files: httpx.AsyncClient) -> None:
    document = (await files.get("/openapi.json")).json()
    content = document["paths"]["/now"]["post"]["requestBody"]["content"]
    file = {"type": "string", "format": "binary"}
    assert content["multipart/form-data"]["schema"]["properties"] == {"sheet": file}
    assert content["text/csv"]["schema"] == file and "application/json" in content
    assert list(document["paths"]["/before"]["post"]["requestBody"]["content"]) == ["application/json"]
    assert set(document["paths"]["/before"]["post"]["responses"]["422"]["content"]) == {
        "application/json",
        "application/problem+json",
    }
