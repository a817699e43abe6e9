"""Uploads: files as bodies and in forms, limits, and the errors of an older contract."""

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


class Sheet(BaseModel):
    """A file, and the field that errors refer to."""

    model_config = ConfigDict(strict=True, extra="forbid")

    text: str
    field: Literal["text", "body", "sheet"] = "text"


class Length(TypedDict):
    """The length of a file, or an error."""

    length: NotRequired[int]
    field: NotRequired[str]
    wrong: NotRequired[str]


def measure(sheet: Sheet, version: str | None = None) -> Length:
    """Return the length of a file; some files are rejected."""
    if sheet.text == "bad":
        raise InputError([Problem(sheet.field, "bad", "must not be <bad>")])
    if sheet.text == "away":
        raise ModelNotReady
    return {"length": len(sheet.text), "field": sheet.field}


def request_of(data: bytes, field: str) -> Sheet:
    """Make a request from a file."""
    return Sheet.model_validate({"text": data.decode("latin-1"), "field": field})


class SheetApi:
    """Accepts files, with today's and with an older error format."""

    models: Sequence[str] = ()
    listings: Sequence[Any] = ()

    @property
    def operations(self) -> Sequence[Operation[Any, Any]]:
        arguments: dict[str, Any] = {
            "summary": "Measure",
            "description": "",
            "request": Sheet,
            "answer": Length,
            "answered": "Length",
            "run": measure,
            "size": "file",
            "slow": lambda sheet: True,
        }
        upload = Upload(("text/csv", "text/plain"), "sheet", request_of, ("text/x-csv",))
        return (
            Operation(name="now", path="/now", upload=upload, **arguments),
            Operation(name="before", path="/before", failure=lambda reason: {"wrong": reason}, **arguments),
        )


@pytest.fixture
async def files() -> AsyncIterator[httpx.AsyncClient]:
    """A client of an API that accepts files."""
    application = rest_application(
        ModelManager(["sheets"]), SheetApi(), body_limits={"one": 10, "many": 10, "file": LIMIT}
    )
    transport = httpx.ASGITransport(app=application)  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers={"X-API-Key": KEY}) as client:
        yield client


@pytest.mark.parametrize("length", [0, 5, 10_000])
async def test_a_file_is_accepted_as_body_form_or_json(files: httpx.AsyncClient, length: int) -> None:
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
async def test_valid_variants_of_forms_are_accepted(files: httpx.AsyncClient, body: bytes) -> None:
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
async def test_an_invalid_form_is_rejected(files: httpx.AsyncClient, content_type: str, body: bytes) -> None:
    answer = await files.post("/now", content=body, headers={"Content-Type": content_type})
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")


@pytest.mark.parametrize(
    ("form", "code"),
    [([("other", b"1")], "missing"), ([("sheet", b"1"), ("sheet", b"2")], "repeated"), ([("SHEET", b"1")], "missing")],
)
async def test_a_form_must_have_the_file_once(
    files: httpx.AsyncClient, form: list[tuple[str, bytes]], code: str
) -> None:
    answer = await files.post("/now", files=[(name, ("f", data)) for name, data in form])
    assert answer.status_code == 422
    assert [(e["field"], e["code"]) for e in answer.json()["errors"]] == [("sheet", code)]


async def test_an_unsupported_media_type_is_rejected_with_the_supported_ones(files: httpx.AsyncClient) -> None:
    answer = await files.post("/now", content=b"x", headers={"Content-Type": "image/gif"})
    assert answer.status_code == 415
    assert all(kind in answer.json()["detail"] for kind in ("application/json", "text/csv", "multipart/form-data"))
    assert "text/x-csv" not in answer.json()["detail"]


@pytest.mark.parametrize("kind", ["text/csv", "multipart/form-data; boundary=x"])
async def test_a_compressed_file_is_rejected_for_its_coding(files: httpx.AsyncClient, kind: str) -> None:
    packed = await files.post("/now", content=b"x", headers={"Content-Type": kind, "Content-Encoding": "gzip"})
    assert packed.status_code == 415 and "Content-Encoding" in packed.json()["detail"]


async def test_a_media_type_under_another_name_is_accepted(files: httpx.AsyncClient) -> None:
    answer = await files.post("/now", content=b"12345", headers={"Content-Type": "text/x-csv"})
    assert (answer.status_code, answer.json()) == (200, {"length": 5, "field": "body"})


async def test_files_have_their_own_size_limit(files: httpx.AsyncClient) -> None:
    kind = {"Content-Type": "text/plain"}
    assert (await files.post("/now", content=b"x" * LIMIT, headers=kind)).status_code == 200
    assert (await files.post("/now", content=b"x" * (LIMIT + 1), headers=kind)).status_code == 413


async def test_the_problem_of_a_file_names_its_place(files: httpx.AsyncClient) -> None:
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
async def test_an_older_contract_keeps_its_error_format(
    files: httpx.AsyncClient, body: dict[str, object], status: int, reason: str
) -> None:
    answer = await files.post("/before", json=body)
    assert (answer.status_code, answer.json()) == (status, {"wrong": reason})
    assert answer.headers["content-type"] == "application/json"


async def test_the_document_has_a_file_input(files: httpx.AsyncClient) -> None:
    document = (await files.get("/openapi.json")).json()
    content = document["paths"]["/now"]["post"]["requestBody"]["content"]
    file = {"type": "string", "format": "binary"}
    form = content["multipart/form-data"]["schema"]["$ref"].rpartition("/")[2]
    assert (form, next(iter(content))) == ("SheetForm", "multipart/form-data")
    assert document["components"]["schemas"][form]["properties"] == {"sheet": file}
    assert content["text/csv"]["schema"] == file and "application/json" in content
    assert list(document["paths"]["/before"]["post"]["requestBody"]["content"]) == ["application/json"]
    assert set(document["paths"]["/before"]["post"]["responses"]["422"]["content"]) == {
        "application/json",
        "application/problem+json",
    }
