"""README's words about the running service, tried as printed."""

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


def test_the_curl_line_works_as_printed_and_gives_the_printed_answer(program: Program, tmp_path: Path) -> None:
    found = re.search(r"```sh\n(curl .*?)```\s*```json\n(.*?)```", README, re.DOTALL)
    assert found, "README has no curl line followed by its answer"
    command, printed = found.groups()
    (tmp_path / ".env").write_text(f"# as in use\nAPI_KEY={KEY}\n")
    command = command.replace("http://127.0.0.1:8000/", f"http://127.0.0.1:{program.port()}/")
    tried = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True)
    told = json.loads(tried.stdout)
    assert {"ibu", "interval", "model", "warnings"} <= told.keys()
    if "@@" in printed:
        pytest.skip("README does not print the answer yet")
    assert json.loads(printed) == told


@pytest.mark.parametrize("command", CURL_LINES)
def test_the_protocols_curl_lines_work_as_printed(program: Program, command: str) -> None:
    command = command.replace("http://127.0.0.1:8000/", f"http://127.0.0.1:{program.port()}/")
    tried = subprocess.run(["sh", "-c", command], env={"API_KEY": KEY}, capture_output=True, text=True, check=True)
    told = json.loads(tried.stdout)
    if "/infer" in command:
        assert [output["name"] for output in told["outputs"]] == ["ibu", "lower", "upper"]
    elif "/repository/" in command:
        assert {each["name"]: each["state"] for each in told}["beer-ibu"] == "READY"
    else:
        assert told["inputs"][0] == {"name": "abv", "datatype": "FP32", "shape": [-1, 1]}


def test_the_protocols_have_curl_lines() -> None:
    assert len(CURL_LINES) == 3


def test_every_route_that_is_listed_exists_and_wants_the_key_or_not_as_listed(program: Program) -> None:
    rows = re.findall(r"^\| ((?:`[A-Z]+ /[^|]*)+) \| [^|]* \| (yes|no) \|$", README, re.MULTILINE)
    listed = [(*route.split(), key) for routes, key in rows for route in re.findall(r"`([A-Z]+ /[^`]*)`", routes)]
    assert len(listed) >= 7
    for method, path, key in listed:
        status = program.send(request(method, path)).status
        assert status == (401 if key == "yes" else 200), (method, path)
    shown = program.send(request("GET", "/openapi.json")).json["paths"]
    documented = {(method.upper(), path) for path, methods in shown.items() for method in methods}
    assert documented <= {(method, path) for method, path, _ in listed}


def test_the_files_that_it_points_to_are_there() -> None:
    missing = [
        target
        for target in re.findall(r"\]\(([^)#:]+)\)", README)
        if not (REPOSITORY / target).exists() and not target.startswith(("notebooks/", "docs/images/"))
    ]
    assert missing == []


def test_the_commands_name_files_that_are_there() -> None:
    commands = "\n".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL))
    named = re.findall(r"\b(?:pip install|python) .*?([\w./-]+\.txt|[\w./-]+\.py)", commands)
    assert named and all((REPOSITORY / name).is_file() for name in named)
