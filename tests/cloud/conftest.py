"""The cloud's services as far as they run here: moto's server, npm's s3rver, each over real HTTP."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.live.program import Program

Start = Callable[..., Program]
REGION = "eu-central-1"


@dataclass(frozen=True)
class Store:
    """An S3-compatible store that runs."""

    endpoint: str
    key: str
    secret: str

    @property
    def environment(self) -> dict[str, str]:
        """What whoever uses it finds in the environment."""
        return {"AWS_ACCESS_KEY_ID": self.key, "AWS_SECRET_ACCESS_KEY": self.secret, "AWS_REGION": REGION}

    def client(self, service: str = "s3") -> Any:
        """The cloud's own client."""
        import boto3

        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
        )

    def make_bucket(self, name: str) -> None:
        """An empty bucket."""
        self.client().create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})

    def upload(self, folder: Path, bucket: str, prefix: str) -> None:
        """A folder's files under a prefix."""
        client = self.client()
        for path in folder.rglob("*"):
            if path.is_file():
                client.put_object(Bucket=bucket, Key=f"{prefix}/{path.relative_to(folder)}", Body=path.read_bytes())

    def read(self, bucket: str, key: str) -> bytes:
        """An object's bytes."""
        found: bytes = self.client().get_object(Bucket=bucket, Key=key)["Body"].read()
        return found

    def keys(self, bucket: str) -> list[str]:
        """Names of the bucket's objects, sorted."""
        return sorted(each["Key"] for each in self.client().list_objects_v2(Bucket=bucket).get("Contents", ()))


def node_tool(name: str) -> str | None:
    """A command that npm installed: where tox put it, or on the path."""
    return shutil.which(name, path=os.environ.get("NODE_BIN")) or shutil.which(name)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever lies in this folder needs what tox installs for it."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.function)


@pytest.fixture(scope="session")
def moto() -> Iterator[Store]:
    """moto's server."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield Store(f"http://{host}:{port}", "anybody", "anything")
    finally:
        server.stop()


@pytest.fixture(scope="session")
def s3rver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """npm's s3rver, which checks signatures."""
    command = node_tool("s3rver")
    if command is None:
        pytest.skip("s3rver is not installed; `tox -e function` installs it by npm")
    folder = tmp_path_factory.mktemp("s3rver")
    with subprocess.Popen(
        [command, "--directory", str(folder), "--address", "127.0.0.1", "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        try:
            said = next(line for line in process.stdout if "listening" in line)
            found = re.search(r":(\d+)", said)
            assert found, said
            yield Store(f"http://127.0.0.1:{found[1]}", "S3RVER", "S3RVER")
        finally:
            process.terminate()


@pytest.fixture
def store(request: pytest.FixtureRequest) -> Store:
    """The store that a test names: ``moto`` or ``s3rver``."""
    found: Store = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts the program in the test's own folder; whatever still runs at the end is stopped."""
    started: list[Program] = []

    def start(**settings: str) -> Program:
        started.append(Program(tmp_path, **settings))
        return started[-1]

    yield start
    for program in started:
        program.close()


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test finds an account that is somebody's."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
