"""The cloud's services that run locally: moto's server and npm's s3rver, each over real HTTP."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cloud.store import Store, node_tool
from tests.cloud.template import package, template
from tests.live.program import Program, Start


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of this folder need packages that tox installs."""
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
            line = next(line for line in process.stdout if "listening" in line)
            port = re.search(r":(\d+)", line)
            assert port, line
            yield Store(f"http://127.0.0.1:{port[1]}", "S3RVER", "S3RVER")
        finally:
            process.terminate()


@pytest.fixture(scope="session")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of osls for serverless.yml, without an account and with an empty artifact."""
    osls = node_tool("osls")
    if osls is None:
        pytest.skip("osls is not installed; `tox -e function` installs it by npm")
    return package(osls, tmp_path_factory.mktemp("service"))


@pytest.fixture(scope="session")
def resources(packaged: Path) -> dict[str, Any]:
    """The resources of serverless.yml."""
    parsed: dict[str, Any] = template(packaged)["Resources"]
    return parsed


@pytest.fixture
def store(request: pytest.FixtureRequest) -> Store:
    """The store that the test selects: ``moto`` or ``s3rver``."""
    store: Store = request.getfixturevalue(request.param)
    return store


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start the program in the test's own folder; programs still running at the end are stopped."""
    started: list[Program] = []

    def start(**settings: Any) -> Program:
        started.append(Program(tmp_path, **settings))
        return started[-1]

    yield start
    for program in started:
        program.close()


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the credentials of real accounts from the environment."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
