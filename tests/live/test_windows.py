"""One process without what Windows lacks, as far as that can be simulated; see `tests/live/windows.py`."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from app.bundle.store import Bundle
from tests.bundles import copy_as_version, copy_models
from tests.known import BEER, REPOSITORY
from tests.live.program import Start, environment
from tests.live.rpc import BEER_ROW, caller, typed
from tests.live.wire import request

WINDOWS = (sys.executable, "-m", "tests.live.windows")


def test_one_process_starts_answers_tries_a_new_version_and_stops(
    start: Start, models: Path, bundle: Bundle, tmp_path: Path
) -> None:
    shutil.copy(REPOSITORY / ".env.example", tmp_path)
    root = copy_models(models, bundle, tmp_path / "served")
    program = start(command=WINDOWS, PORT="0", MODEL_URI=str(root))
    program.port()
    lines = [line.partition("=") for line in (tmp_path / ".env").read_text("utf-8").splitlines()]
    key = {name: value for name, _, value in lines}["API_KEY"]
    headers = [("X-API-Key", key), ("Content-Type", "application/json")]
    for path, body in (("/predict", BEER), ("/explain", BEER), ("/predict/batch", {"beers": [BEER] * 3})):
        answer = program.send(request("POST", path, headers, json.dumps(body).encode()))
        assert answer.status == 200, answer.body
    with caller(program.rpc()) as client:
        assert client.infer(typed(bundle.manifest.name, BEER_ROW), key=key).code.name == "OK"
    copy_as_version(bundle, root, 2)
    program.lines(f"{bundle.manifest.name} 2 swapped in")
    assert program.stop() == 0
    assert "Traceback" not in program.errors


def test_commands_read_and_change_files(models: Path, bundle: Bundle, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text('{"format_version": 1, "keys": []}')
    root = copy_models(models, bundle, tmp_path / "served")
    copy_as_version(bundle, root, 2)
    settings = environment(API_KEYS_FILE=str(file), MODEL_URI=str(root))
    (tmp_path / "recipe.json").write_text(json.dumps({**BEER, "ingredients": {}}))
    for command in ("keys create --name a", f"models activate {bundle.manifest.name} 1", "predict recipe.json"):
        done = subprocess.run([*WINDOWS, *command.split()], env=settings, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert len(json.loads(file.read_text())["keys"]) == 1
    assert (root / bundle.manifest.name / "ACTIVE").read_text().startswith("1\n")
