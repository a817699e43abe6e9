"""The audit over a program's life: its start, changes over both transports and by commands, in one file."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from app.rpc._pb import open_inference_pb2 as pb
from tests.committed import committed_models
from tests.keys import make_key
from tests.known import KEY
from tests.live.program import Start, environment
from tests.live.rpc import INFERENCE, caller
from tests.live.wire import request


def test_the_start_and_every_change_leave_a_line_with_who_made_it(start: Start, tmp_path: Path) -> None:
    models = tmp_path / "models"
    shutil.copytree(committed_models(), models)
    admin = make_key(tmp_path / "keys.json", "admin", scopes={"admin"})
    settings = {"AUDIT_PATH": "audit.jsonl", "API_KEYS_FILE": "keys.json", "MODEL_URI": str(models)}
    program = start(API_KEY=KEY, PORT="0", **settings)

    def post(action: str) -> int:
        return program.send(
            request("POST", f"/v2/repository/models/iris/{action}", [("X-API-Key", admin)], b"{}")
        ).status

    def run(*command: str) -> "subprocess.CompletedProcess[str]":
        command = (sys.executable, "-m", "app", *command)
        return subprocess.run(command, cwd=tmp_path, env=environment(**settings), capture_output=True, text=True)

    assert post("unload") == 200
    assert post("load") == 200
    with caller(program.rpc()) as client:
        unload = pb.RepositoryModelUnloadRequest(model_name="iris")
        assert client.call(f"{INFERENCE}RepositoryModelUnload", unload, key=admin).code.name == "OK"
    created = run("keys", "create", "--name", "brewery", "--rate", "5/minute")
    key_id = created.stderr.partition(":")[0]
    assert run("keys", "revoke", key_id).returncode == 0
    assert run("keys", "revoke", key_id).returncode == 2
    active = max((path.name for path in (models / "iris").iterdir() if path.name.isdecimal()), key=int)
    assert run("models", "activate", "iris", active).returncode == 0

    text = (tmp_path / "audit.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    summary = [(line["who"].partition(":")[0], line["what"], line["target"]) for line in lines]
    assert summary == [
        ("user", "service.start", lines[0]["target"]),
        ("key", "model.unload", "iris"),
        ("key", "model.load", "iris"),
        ("key", "model.unload", "iris"),
        ("user", "key.create", key_id),
        ("user", "key.revoke", key_id),
        ("user", "model.activate", "iris"),
    ]
    assert lines[0]["after"]["API_KEY"] == "(secret)" and lines[0]["after"]["PORT"] == "0"
    assert [(line["before"], line["after"]) for line in lines[1:4]] == [(active, None), (None, active), (active, None)]
    assert {line["who"] for line in lines[1:4]} == {"key:admin"}
    assert lines[4]["after"]["rate"] == "5/minute" and lines[5]["before"] == lines[4]["after"]
    assert lines[6]["before"] is None and lines[6]["after"] == active
    assert KEY not in text and admin not in text and created.stdout.strip() not in text and "sha256" not in text

    refused = run("keys", "create", "--name", "another")
    assert refused.returncode == 0
    (tmp_path / "audit.jsonl").unlink()
    (tmp_path / "audit.jsonl").mkdir()
    before = (tmp_path / "keys.json").read_text()
    refused = run("keys", "create", "--name", "another")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == "Settings: AUDIT_PATH: audit.jsonl cannot be written: Is a directory\n"
    assert (tmp_path / "keys.json").read_text() == before
