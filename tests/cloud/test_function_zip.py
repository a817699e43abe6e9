"""The function's zip files: size, reproducibility, and a run under the cloud's own runtime client."""

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.brewery import brewery
from tests.cloud.events import created, delivery, http_api, scheduled
from tests.cloud.runtime import Runtime
from tests.cloud.store import REGION, Store
from tests.cloud.stream import make_stream, read_stream
from tests.committed import VERSIONS
from tests.known import BEER, KEY, REPOSITORY

pytest.importorskip("awslambdaric", reason="awslambdaric is not installed (requirements/cloud.txt)")

ZIPPED = 45_000_000
UNZIPPED = 135_000_000
ARCHITECTURES = tuple(os.environ.get("FUNCTION_ARCHITECTURES", "x86_64 arm64").split())
"""The architectures to build; a shorter run omits one."""
HERE = {"x86_64": "x86_64", "aarch64": "arm64"}.get(platform.machine(), "")
UNCHECKED_HASH = 0b01
"""Flags of bytecode that is run without a check of its source (PEP 552)."""


def _python312() -> str | None:
    """The Python 3.12 that the script uses, if it runs."""
    program = shutil.which(os.environ.get("PYTHON312", "python3.12"))
    check = "import sys; sys.exit(sys.version_info[:2] != (3, 12))"
    ran = program and subprocess.run([program, "-c", check], check=False)
    return program if ran and ran.returncode == 0 else None


PYTHON312 = _python312()
runs_here = pytest.mark.skipif(
    HERE not in ARCHITECTURES or not PYTHON312, reason="no zip for this machine, or no python3.12; PYTHON312 names one"
)


def build(*architectures: str) -> dict[str, Path]:
    """Build the zip files with the script."""
    command = ["bash", str(REPOSITORY / "scripts/build_function.sh"), *architectures]
    subprocess.run(command, check=True, env={**os.environ, "PYTHON": sys.executable})
    return {name: REPOSITORY / f"dist/function-{name}.zip" for name in architectures}


@pytest.fixture(scope="module")
def zips() -> dict[str, Path]:
    return build(*ARCHITECTURES)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_zip_file_is_within_the_limits_of_the_cloud_and_of_the_project(
    zips: dict[str, Path], architecture: str
) -> None:
    with zipfile.ZipFile(zips[architecture]) as archive:
        unzipped = sum(entry.file_size for entry in archive.infolist())
    assert zips[architecture].stat().st_size <= ZIPPED
    assert unzipped <= UNZIPPED


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_zip_file_contains_only_required_files(zips: dict[str, Path], architecture: str) -> None:
    with zipfile.ZipFile(zips[architecture]) as archive:
        names = archive.namelist()
        compiled = [name for name in names if name.endswith(".pyc")]
        flags = {int.from_bytes(archive.read(name)[4:8], "little") for name in compiled}
    machine = {"x86_64": "x86_64", "arm64": "aarch64"}[architecture]
    libraries = [name for name in names if re.search(r"\.cpython-312-", name)]
    assert libraries and all(f"-{machine}-" in name for name in libraries)
    assert {
        "app/aws_lambda/http.py",
        "app/aws_lambda/files.py",
        "app/aws_lambda/poll.py",
        "app/aws_lambda/transform.py",
        f"models/beer-ibu/{VERSIONS['beer-ibu']}/model.onnx",
    } <= set(names)
    unwanted = r"^(\.env|training|tests|grpc|PIL|uvicorn|boto|onnxruntime/(transformers|tools|capi/libonnx))"
    assert not [name for name in names if re.match(unwanted, name)]
    assert flags == ({UNCHECKED_HASH} if PYTHON312 else set())


def test_the_same_files_give_the_same_bytes(zips: dict[str, Path]) -> None:
    before = hashlib.sha256(zips["x86_64"].read_bytes()).hexdigest()
    assert hashlib.sha256(build("x86_64")["x86_64"].read_bytes()).hexdigest() == before


@pytest.fixture(scope="module")
def unzipped(zips: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked function in a read-only folder, as in the cloud."""
    folder = tmp_path_factory.mktemp("task")
    with zipfile.ZipFile(zips[HERE]) as archive:
        archive.extractall(folder)
    for path in folder.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    return folder


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runtime's client for Python 3.12 and boto3, which the runtime has as well, in their locked releases."""
    text = (REPOSITORY / "requirements/cloud.txt").read_text()
    locked = re.findall(r"^(?:awslambdaric|boto3)==[^ ]+", text, re.MULTILINE)
    assert PYTHON312 and len(locked) == 2
    folder = tmp_path_factory.mktemp("client")
    install = [PYTHON312, "-m", "pip", "install", "-q", "--target", str(folder), *locked]
    subprocess.run(install, check=True)
    return folder


@pytest.fixture
def command(unzipped: Path, client: Path) -> Iterator[tuple[str, ...]]:
    """The command that runs the client with the function's own packages first on the path."""
    begin = f"import sys; sys.path[:0] = [{str(unzipped)!r}]; sys.path.append({str(client)!r}); "
    run = "from awslambdaric.__main__ import main; main(sys.argv)"
    yield (str(PYTHON312), "-I", "-B", "-c", begin + run)


@runs_here
def test_the_unpacked_function_answers_http_events(unzipped: Path, command: tuple[str, ...], tmp_path: Path) -> None:
    settings = {"API_KEY": KEY, "DOCS_ENABLED": "false"}
    runtime = Runtime("app.aws_lambda.http.handler", tmp_path, unzipped, command, **settings)
    try:
        answer = runtime.invoke(http_api("POST", "/predict", json.dumps(BEER), **{"x-api-key": KEY})).body
        assert answer["statusCode"] == 200, runtime.output
        assert json.loads(answer["body"])["model"]["name"] == "beer-ibu"
    finally:
        runtime.close()


@runs_here
def test_the_unpacked_function_answers_files(
    unzipped: Path, command: tuple[str, ...], tmp_path: Path, moto: Store
) -> None:
    moto.make_bucket("zipped-beers")
    moto.client().put_object(Bucket="zipped-beers", Key="cleaned/1", Body=json.dumps([BEER]))
    settings = {"S3_ENDPOINT": moto.endpoint, **moto.environment}
    runtime = Runtime("app.aws_lambda.files.handler", tmp_path, unzipped, command, **settings)
    try:
        outcome = runtime.invoke(created("zipped-beers", ["cleaned/1"]))
        assert outcome.body == {"files": [{"file": "cleaned/1", "rows": 1, "bad": 0}]}, runtime.output
    finally:
        runtime.close()


@runs_here
def test_the_unpacked_function_polls_and_cleans(
    unzipped: Path, command: tuple[str, ...], tmp_path: Path, moto: Store
) -> None:
    make_stream(moto, "zipped-beers")
    cloud = {**moto.environment, "AWS_ENDPOINT_URL": moto.endpoint, "AWS_DEFAULT_REGION": REGION}
    with brewery([{"id": 1, "ibu": 40, **BEER}, {"id": 2}]) as server:
        settings = {"BEER_API": server.address, "BEER_API_BEERS": "all", "BEER_STREAM": "zipped-beers", **cloud}
        runtime = Runtime("app.aws_lambda.poll.handler", tmp_path, unzipped, command, **settings)
        try:
            assert runtime.invoke(scheduled()).body == {"read": 2, "put": 2, "too_large": 0}, runtime.output
        finally:
            runtime.close()
    records = sorted((record["Data"] for record in read_stream(moto, "zipped-beers")), key=len)
    runtime = Runtime("app.aws_lambda.transform.handler", tmp_path, unzipped, command)
    try:
        results = runtime.invoke(delivery(records)).body["records"]
        assert [each["result"] for each in results] == ["Dropped", "Ok"], runtime.output
    finally:
        runtime.close()
