"""README.md and docs/protocols.md: their commands, run as printed against the program."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.known import KEY, REPOSITORY
from tests.live.program import Program
from tests.live.wire import request

README = (REPOSITORY / "README.md").read_text("utf-8")
PROTOCOLS = (REPOSITORY / "docs" / "protocols.md").read_text("utf-8")
CURL_LINES = re.findall(r"```sh\n(curl .*?)```", PROTOCOLS, re.DOTALL)


def test_the_curl_command_returns_the_printed_response(program: Program, tmp_path: Path) -> None:
    match = re.search(r"```sh\n(curl .*?)```\s*```json\n(.*?)```", README, re.DOTALL)
    assert match, "README.md has no curl command followed by its response"
    command, printed = match.groups()
    (tmp_path / ".env").write_text(f"# a comment\nAPI_KEY={KEY}\n")
    command = command.replace("http://127.0.0.1:8000/", f"http://127.0.0.1:{program.port()}/")
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True)
    response = json.loads(done.stdout)
    assert {"ibu", "interval", "model", "warnings"} <= response.keys()
    assert json.loads(printed) == response


@pytest.mark.parametrize("command", CURL_LINES)
def test_the_curl_commands_of_protocols_work_as_printed(program: Program, command: str) -> None:
    command = command.replace("http://127.0.0.1:8000/", f"http://127.0.0.1:{program.port()}/")
    done = subprocess.run(["sh", "-c", command], env={"API_KEY": KEY}, capture_output=True, text=True, check=True)
    response = json.loads(done.stdout)
    if "/infer" in command:
        assert [output["name"] for output in response["outputs"]][:3] == ["ibu", "lower", "upper"]
    elif "/repository/" in command:
        assert {model["name"]: model["state"] for model in response}["beer-ibu"] == "READY"
    else:
        assert response["inputs"][0] == {"name": "abv", "datatype": "FP32", "shape": [-1, 1]}


def test_protocols_has_curl_commands() -> None:
    assert len(CURL_LINES) == 3


def test_every_listed_route_exists_and_requires_a_key_as_listed(program: Program) -> None:
    rows = re.findall(r"^\| ((?:`[A-Z]+ /[^|]*)+) \| [^|]* \| (yes|no) \|$", README, re.MULTILINE)
    listed = [(*route.split(), key) for routes, key in rows for route in re.findall(r"`([A-Z]+ /[^`]*)`", routes)]
    assert len(listed) >= 7
    for method, path, key in listed:
        status = program.send(request(method, path)).status
        assert status == (401 if key == "yes" else 200), (method, path)
    paths = program.send(request("GET", "/openapi.json")).json["paths"]
    documented = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert documented <= {(method, path) for method, path, _ in listed}


def test_the_commands_name_existing_files() -> None:
    commands = "\n".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL))
    named = re.findall(r"\b(?:pip install|python) .*?([\w./-]+\.txt|[\w./-]+\.py)", commands)
    assert named and all((REPOSITORY / name).is_file() for name in named)
