"""The start from the operator's view: exit codes, messages, the .env file that it creates, and signals."""

import json
import os
import re
import shlex
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from app import __version__
from tests.known import BEER, KEY, REPOSITORY
from tests.live.load import memory
from tests.live.program import PATIENCE, SERVE, Program, Start, environment, free_port, until
from tests.live.wire import request

MAX_OWN_MEMORY = 85
"""Maximum memory of its own of a worker with the committed bundles, in MiB; measured: 73.

Code of shared libraries is not counted: how much of it is resident depends on the kernel's page cache, by 20 MiB.
"""

DISABLED_MODULES = {
    "app.access.key_file", "app.cli.drift", "app.cli.keys", "app.cli.models", "app.cli.replay", "app.cli.usage",
    "app.cli.platform", "app.cli.score", "app.drift", "app.labels", "app.platform", "app.records", "app.remote",
    "app.rest.cors", "app.runtime.traced", "app.scoring", "app.serving.supervisor", "app.shared_file",
    "app.telemetry.otel", "app.traffic.calls", "app.traffic.rollout", "app.usage", "dask", "distributed",
    "google.protobuf.json_format", "limits", "obstore", "opentelemetry.exporter", "opentelemetry.sdk", "pyarrow",
    "redis", "unittest",
}  # fmt: skip
"""Modules of disabled settings and of commands. FastAPI imports OpenTelemetry's API, which does nothing alone."""

UVICORN = (sys.executable, "-m", "uvicorn", "app.main:app", "--port", "0")
READY = request("GET", "/health/ready")
PREDICT = request(
    "POST", "/predict", [("X-API-Key", KEY), ("Content-Type", "application/json")], json.dumps(BEER).encode()
)


@pytest.mark.parametrize(
    ("command", "settings", "message"),
    [
        (SERVE, {}, "API_KEY is missing"),
        (SERVE, {"API_KEY": ""}, "API_KEY has fewer than 16 characters"),
        (SERVE, {"API_KEY": "short-secret-15"}, "API_KEY has fewer than 16 characters"),
        (UVICORN, {}, "API_KEY is missing"),
    ],
    ids=["missing", "empty", "short", "missing under uvicorn"],
)
def test_without_a_valid_key_it_exits_with_2_and_explains_how_to_make_one(
    start: Start, command: tuple[str, ...], settings: dict[str, str], message: str
) -> None:
    program = start(command=command, **settings)
    assert program.exit_code() == 2
    assert message in program.errors
    assert "python -c 'import secrets; print(secrets.token_urlsafe(32))'" in program.errors
    assert "Traceback" not in program.errors
    assert "short-secret-15" not in program.errors + program.output


def test_the_suggested_command_makes_a_valid_key(start: Start) -> None:
    program = start()
    assert program.exit_code() == 2
    command = shlex.split(program.errors.split("make one with: python ")[1])
    key = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=True).stdout.strip()
    assert start(API_KEY=key, PORT="0").send(READY).status == 200


def test_a_bad_setting_is_named_without_its_value(start: Start) -> None:
    program = start(API_KEY=KEY, PORT="http-please", LOG_LEVEL="CHATTY", DOCS_ENABLED="perhaps-not")
    assert program.exit_code() == 2
    assert all(name in program.errors for name in ("PORT", "LOG_LEVEL", "DOCS_ENABLED"))
    assert not any(value in program.errors for value in ("http-please", "CHATTY", "perhaps-not", KEY))


def test_without_key_and_env_file_both_are_created_and_the_printed_curl_command_works(
    start: Start, tmp_path: Path
) -> None:
    example = tmp_path / ".env.example"
    shutil.copy(REPOSITORY / ".env.example", example)
    port = str(free_port())
    program = start(PORT=port)
    program.port()

    env_file = tmp_path / ".env"
    assert stat.S_IMODE(env_file.stat().st_mode) == 0o600
    key = next(x for x in env_file.read_text().splitlines() if x.startswith("API_KEY=")).removeprefix("API_KEY=")
    assert len(key) >= 43
    assert env_file.read_text().replace(key, "") == example.read_text()
    assert sorted(p.name for p in tmp_path.iterdir() if not p.name.startswith(".coverage")) == [".env", ".env.example"]
    assert key not in program.output + program.errors
    curl = [line for line in program.output.splitlines() if line.lstrip().startswith("curl ")]
    assert len(curl) == 1
    assert f"Open http://127.0.0.1:{port}/ in a browser, and enter the key from .env.\n" in program.output
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    result = subprocess.run(["sh", "-c", curl[0] + " -sS"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "ibu" in json.loads(result.stdout), result
    assert program.stop() == 0

    again = start(PORT=port)
    assert again.port() == int(port)
    assert again.output == ""
    assert env_file.read_text().count(key) == 1


def test_a_terminal_shows_the_address_of_the_page_with_the_new_key_and_no_log_does(tmp_path: Path) -> None:
    shutil.copy(REPOSITORY / ".env.example", tmp_path)
    terminal, stdout = os.openpty()
    log = tmp_path / "log"
    with log.open("wb") as stderr, open(terminal, "rb", closefd=True, buffering=0) as screen:
        settings = environment(PORT="0", HOST="0.0.0.0", GRPC_ENABLED="false")
        program = subprocess.Popen(SERVE, cwd=tmp_path, env=settings, stdout=stdout, stderr=stderr)
        os.close(stdout)
        try:
            shown = screen.read(100_000)
            while b"curl" not in shown:
                shown += screen.read(100_000)
            until(lambda: b"running on" in log.read_bytes())
        finally:
            program.terminate()
            program.wait(PATIENCE)
    key = next(x for x in (tmp_path / ".env").read_text().splitlines() if x.startswith("API_KEY="))[8:]
    port = re.search(rb"running on http://0\.0\.0\.0:(\d+)", log.read_bytes())
    assert port and f"Open http://127.0.0.1:{port[1].decode()}/#key={key}\r\n" in shown.decode()
    assert key not in log.read_text()


@pytest.mark.parametrize("present", ["API_KEY=\n", f"API_KEY={KEY}\n"], ids=["without a key", "with a key"])
def test_an_existing_env_file_is_not_changed(start: Start, tmp_path: Path, present: str) -> None:
    shutil.copy(REPOSITORY / ".env.example", tmp_path)
    env_file = tmp_path / ".env"
    env_file.write_text(present)
    program = start(PORT="0")
    if KEY in present:
        assert program.send(READY).status == 200
    else:
        assert program.exit_code() == 2
    assert env_file.read_text() == present
    assert program.output == ""


def test_a_key_in_the_environment_creates_no_env_file_and_takes_precedence(start: Start, tmp_path: Path) -> None:
    shutil.copy(REPOSITORY / ".env.example", tmp_path)
    program = start(API_KEY=KEY, PORT="0")
    assert program.send(request("GET", "/model", [("X-API-Key", KEY)])).status == 200
    assert not (tmp_path / ".env").exists()

    (tmp_path / ".env").write_text("API_KEY=another-key-that-is-long\nLOG_LEVEL=WARNING\n")
    program = start(API_KEY=KEY, PORT=(port := str(free_port())), HOST="127.0.0.1", LOG_LEVEL="INFO")
    assert program.port() == int(port)
    assert program.send(request("GET", "/model", [("X-API-Key", KEY)])).status == 200
    assert program.send(request("GET", "/model", [("X-API-Key", "another-key-that-is-long")])).status == 401


def test_an_unwritable_env_file_is_reported_with_exit_code_2(start: Start, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    shutil.copy(REPOSITORY / ".env.example", tmp_path)
    program = start(first=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)), PORT="0")
    assert program.exit_code() == 2
    assert program.errors.startswith("Settings: .env cannot be created: File too large; make one with: ")
    assert not (tmp_path / ".env").exists()


def test_an_env_file_that_is_not_text_is_reported_with_exit_code_2(start: Start, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"API_KEY=\xff\xfe\x00\n")
    program = start(PORT="0")
    assert program.exit_code() == 2
    assert ".env cannot be read as UTF-8 text" in program.errors


def test_uvicorn_can_run_the_application(start: Start) -> None:
    program = start(command=UVICORN, API_KEY=KEY)
    answer = program.send(request("GET", "/model", [("X-API-Key", KEY)]))
    assert (answer.status, answer.json["name"]) == (200, "beer-ibu")
    lines = program.lines('"event": "request"')
    assert sum("route" in line for line in lines) == 1


def test_uvicorn_exits_with_3_on_a_broken_bundle(start: Start, tmp_path: Path) -> None:
    program = start(command=UVICORN, API_KEY=KEY, MODEL_URI=str(tmp_path))
    assert program.exit_code() == 3
    assert "beer-ibu" in program.errors and "Traceback" not in program.errors


def test_an_occupied_port_is_reported_in_one_json_line(program: Program, start: Start) -> None:
    second = start(API_KEY=KEY, PORT=str(program.port()))
    assert second.exit_code() == 1
    assert any("address already in use" in line["message"] for line in second.lines("already in use"))


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_stop_signal_ends_the_program_with_exit_code_0(start: Start, name: str) -> None:
    program = start(API_KEY=KEY, PORT="0")
    assert program.send(READY).status == 200
    program.process.send_signal(signal.Signals[name])
    assert program.exit_code() == 0
    assert "Traceback" not in program.errors


def test_libraries_store_no_telemetry_about_the_machine(start: Start, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    # If CI is set, ONNX Runtime sends no telemetry.
    program = start(API_KEY=KEY, PORT="0", HOME=str(home), XDG_CACHE_HOME=str(home), CI="")
    headers = [("X-API-Key", KEY), ("Content-Type", "application/json")]
    assert program.send(request("POST", "/predict", headers, json.dumps(BEER).encode())).status == 200
    assert program.stop() == 0
    assert list(home.iterdir()) == []


def test_the_version_is_printed_without_any_setting(tmp_path: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "app", "--version"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert process.stdout.strip() == __version__


PRINT_MODULES = (
    "import sys, app.main, app.cli.main, app.serving.supervisor, app.rpc.server, app.cli.keys, app.cli.models;"
    "print(*sys.modules)"
)


def test_the_serving_process_imports_no_training_dependency(tmp_path: Path) -> None:
    process = subprocess.run(
        [sys.executable, "-c", PRINT_MODULES],
        cwd=tmp_path,
        env=environment(API_KEY=KEY),
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {name.partition(".")[0] for name in process.stdout.split()}
    assert "onnxruntime" in loaded and "app" in loaded
    heavy = {"pandas", "sklearn", "scipy", "matplotlib", "xgboost", "torch", "joblib", "training", "onnx"}
    assert not loaded & heavy


def test_a_start_imports_no_module_of_a_disabled_feature(start: Start) -> None:
    program = start(command=(sys.executable, "-X", "importtime", "-m", "app"), API_KEY=KEY, PORT="0")
    assert program.send(PREDICT).status == 200
    assert program.send(request("GET", "/openapi.json")).status == 200
    lines = [line for line in program.errors.splitlines() if line.startswith("import time:")]
    imported = {line.rpartition("|")[2].strip() for line in lines}
    assert {"onnxruntime", "grpc", "PIL.Image", "app.rest.application"} <= imported
    assert not imported & DISABLED_MODULES


PRINT_GC = """
import gc, runpy
from app.serving.server import BoundedServer
startup = BoundedServer.startup
async def report(server, sockets=None):
    await startup(server, sockets)
    print(gc.isenabled(), gc.get_freeze_count() > 50_000, flush=True)
BoundedServer.startup = report
runpy.run_module("app", run_name="__main__")
"""


def test_after_startup_garbage_collection_is_on_and_loaded_objects_are_frozen(start: Start) -> None:
    program = start(command=(sys.executable, "-c", PRINT_GC), API_KEY=KEY, PORT="0")
    assert program.send(READY).status == 200
    assert program.stop() == 0
    assert program.output == "True True\n"


def test_own_memory_with_all_transports_and_models_is_bounded(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)  # the measurement of coverage takes memory
    program = start(API_KEY=KEY, PORT="0", MANAGEMENT_PORT=str(free_port()))
    assert program.send(request("GET", "/health/ready")).status == 200
    assert memory(program.process.pid, "RssAnon") < MAX_OWN_MEMORY
