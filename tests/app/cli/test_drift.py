"""The command ``drift``, from records and from a service's metrics."""

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest

from app.bundle.distribution import distribution_of
from app.bundle.store import read_bundle
from app.drift.variables import variables_of
from app.models.metrics import ModelMetrics
from app.telemetry.exposition import exposition
from app.telemetry.metrics import Registry
from tests.commands import Run, runner
from tests.committed import committed, committed_models

MANIFEST = read_bundle(committed("beer-ibu")).manifest
NAMES = [declared.name for declared in MANIFEST.inputs]


def _rows(count: int) -> np.ndarray:
    """Rows whose inputs are distributed as the training data, independent of each other."""
    random, columns = np.random.default_rng(9), []
    for variable in variables_of(MANIFEST)[: len(NAMES)]:
        bins = random.choice(len(variable.shares), count, p=np.array(variable.shares) / sum(variable.shares))
        low, high = np.array([variable.span(index) for index in bins]).T
        values = high - (high - low) * random.uniform(0, 0.9, count)
        columns.append(np.where(random.random(count) < (variable.missing or 0), np.nan, values))
    return np.array(columns, np.float32).T


def _write(path: Path, rows: np.ndarray) -> None:
    ibus = distribution_of(MANIFEST).answers["ibu"]
    widths = distribution_of(MANIFEST).answers["interval_width"]
    random = np.random.default_rng(1)
    with path.open("w") as file:
        for index, row in enumerate(rows):
            told = {name: None if value != value else value for name, value in zip(NAMES, row.tolist(), strict=True)}
            outputs = {"ibu": random.choice(ibus), "lower": 0.0, "upper": random.choice(widths)}
            line = {
                "time": f"2026-11-{1 + index // 24 % 28:02}T{index % 24:02}:00:00.{index:06}Z",
                "request_id": f"r{index}",
                "row": 0,
                "model": "beer-ibu",
                "version": "2",
                "inputs": told,
                "outputs": outputs,
                "warnings": [],
            }
            file.write(json.dumps(line) + "\n")


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], plain_environment: Path, tmp_path: Path
) -> Run:
    """Runs the command in this process."""
    monkeypatch.setenv("MODEL_URI", str(committed_models()))

    return runner("drift", monkeypatch, capsys)


def test_quiet_records_are_no_drift(run: Run, tmp_path: Path) -> None:
    (tmp_path / "records").mkdir()
    _write(tmp_path / "records" / "records-1.jsonl", _rows(400))
    code, output, errors = run()  # RECORD_PATH
    assert (code, errors) == (0, "")
    assert output.startswith("beer-ibu 2: 400 rows that count as 400 recipes\n") and output.endswith("\nNo drift.\n")


def test_degrees_plato_sent_as_points_are_named_with_both_medians(run: Run, tmp_path: Path) -> None:
    rows = _rows(200)
    rows[:, 1] = 1000 + (rows[:, 1] - 1000) / 4
    _write(tmp_path / "records-1.jsonl", rows)
    code, output, _ = run(str(tmp_path / "records-*.jsonl"))
    assert code == 1
    (alarm,) = [line for line in output.splitlines() if line.startswith("ALARM")]
    assert alarm == "ALARM: target_og of beer-ibu 2: median 1067 -> 1015 points"
    code, output, _ = run(str(tmp_path), "--json", "--model", "beer-ibu", "--version", "2", "--since", "2026-11-01")
    report = json.loads(output)
    (figure,) = [one for one in report["figures"] if one["alarm"]]
    assert (code, figure["name"], figure["recipes"], report["alarm"]) == (1, "target_og", 200, True)
    assert figure["psi"] > 1 and figure["p"] < 0.05


class _Metrics(BaseHTTPRequestHandler):
    text = b""

    def do_GET(self) -> None:
        allowed = self.headers["X-API-Key"] == "metrics-key"
        self.send_response(200 if allowed else 401)
        self.end_headers()
        self.wfile.write(self.text if allowed else b"")

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    registry, rows = Registry(), _rows(4000)
    rows[:, 0] += 2
    ModelMetrics(registry, MANIFEST).observe({"features": rows}, 0.1)
    _Metrics.text = exposition(registry)
    server = HTTPServer(("127.0.0.1", 0), _Metrics)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/metrics"
    server.shutdown()
    thread.join()
    server.server_close()


def test_counters_of_a_service_show_drift_without_records(run: Run, url: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("metrics-key\n")
    code, output, _ = run("--url", url, "--key-file", str(tmp_path / "key"))
    assert code == 1 and "beer-ibu 2: 4000 rows that count as 400 recipes" in output
    assert [line.split(":")[1] for line in output.splitlines() if line.startswith("ALARM")] == [" abv of beer-ibu 2"]
    code, output, errors = run("--url", url)
    assert (code, output) == (2, "")
    assert errors == "drift: 127.0.0.1: answered with status 401; give a key of the scope metrics with --key-file\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "drift: records: "),
        (("records", "--url", "http://x/metrics"), "give either paths of records or --url"),
        (("--url", "http://x/metrics", "--since", "7d"), "--since needs records"),
        (("--since", "yesterday", "records"), "must be a span such as 7d"),
        (("--url", "ftp://x/metrics"), "drift: --url must begin with http:// or https://"),
        (("--url", "http://x:y/metrics"), "drift: --url is no address"),
        (("--url", "http://127.0.0.1:1/metrics"), "drift: 127.0.0.1: no answer: Connection refused"),
        (("--url", "http://127.0.0.1:1/metrics", "--key-file", "none"), "drift: none: cannot be read"),
        (("nowhere",), "drift: nowhere"),
    ],
)
def test_what_cannot_be_read_is_named(run: Run, arguments: tuple[str, ...], message: str) -> None:
    code, output, errors = run(*arguments)
    assert (code, output) == (2, "") and message in errors and "Traceback" not in errors


def test_rows_of_a_version_that_is_not_here_are_left_out(run: Run, tmp_path: Path) -> None:
    _write(tmp_path / "records-1.jsonl", _rows(3))
    other = tmp_path / "records-2.jsonl"
    other.write_text((tmp_path / "records-1.jsonl").read_text().replace('"version": "2"', '"version": "../2"'))
    code, output, errors = run(str(tmp_path))
    assert code == 0 and output.endswith("Nothing was tested.\n")
    assert errors == "Left out: 3 rows of beer-ibu ../2, which has no bundle here\n"
    assert run(str(other))[0] == 2


def test_without_scipy_the_message_says_what_to_install(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("app.drift.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "scipy.stats", None)
    code, _, errors = run(str(tmp_path))
    assert code == 2 and errors.startswith("drift: needs scipy") and "requirements/train.txt" in errors
