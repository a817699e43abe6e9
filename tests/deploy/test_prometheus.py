"""Rules, dashboard and docs/operations.md: what promtool says of them, and that they speak of figures that exist."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from app.composition.program import build
from app.domains.beer.metrics import BITTERNESS, WARNINGS, WIDTH
from app.models.metrics import EXPECTED, INFO, INPUTS, PREDICTIONS
from app.rest.request_metrics import DURATION, REFUSED, REQUESTS
from app.rpc import call_metrics
from app.settings import load_settings
from app.telemetry.metrics import Family
from tests.keys import make_key
from tests.known import KEY, REPOSITORY

RULES = REPOSITORY / "deploy" / "prometheus" / "alerts.yml"
DASHBOARD = REPOSITORY / "deploy" / "grafana" / "beer-model.json"
OPERATIONS = (REPOSITORY / "docs" / "operations.md").read_text("utf-8")
_NAME = re.compile(r"\b(?:http|grpc|model|beer|api|rate)_[a-z_]+\b(?!\()")


@pytest.fixture
def families(plain_environment: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Family]:
    """Every family that the program has; some only from their first series on."""
    make_key(plain_environment / "keys.json", "one")
    monkeypatch.setenv("API_KEY", KEY)
    monkeypatch.setenv("API_KEYS_FILE", "keys.json")
    metrics = build(load_settings()).manager.metrics
    late = (BITTERNESS, WARNINGS, WIDTH, EXPECTED, INFO, INPUTS, PREDICTIONS, DURATION, REFUSED, REQUESTS)
    grpc = (call_metrics.CALLS, call_metrics.DURATION, call_metrics.IN_PROGRESS, call_metrics.REFUSED)
    return metrics.families | {family.name: family for family in (*late, *grpc)}


def _expressions() -> list[str]:
    dashboard: dict[str, Any] = json.loads(DASHBOARD.read_text("utf-8"))
    panels = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    rules = re.split(r"\n +- (?:alert|record): ", RULES.read_text("utf-8"))[1:]
    return panels + [rule.split("labels:")[0].split("annotations:")[0] for rule in rules]


@pytest.mark.parametrize("command", [["check", "rules", str(RULES)], ["test", "rules", "alerts_test.yml"]])
def test_promtool_finds_nothing_wrong(command: list[str]) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    done = subprocess.run(["promtool", *command], cwd=RULES.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboards_queries_are_queries(tmp_path: Path) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    dashboard: dict[str, Any] = json.loads(DASHBOARD.read_text("utf-8"))
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    told = [{"record": f"panel:{n}", "expr": re.sub(r"\$__\w+", "5m", query)} for n, query in enumerate(asked)]
    rules = tmp_path / "panels.json"  # which is YAML, too
    rules.write_text(json.dumps({"groups": [{"name": "panels", "rules": told}]}), "utf-8")
    done = subprocess.run(["promtool", "check", "rules", str(rules)], capture_output=True, text=True)
    assert done.returncode == 0 and f"{len(asked)} rules found" in done.stdout, done.stdout + done.stderr


def test_every_alert_has_a_test() -> None:
    tests = (RULES.parent / "alerts_test.yml").read_text("utf-8")
    for alert in re.findall(r"- alert: (\w+)", RULES.read_text("utf-8")):
        assert f"alertname: {alert}\n" in tests


def test_rules_and_dashboard_speak_of_figures_that_exist(families: dict[str, Family]) -> None:
    labels = {label for family in families.values() for label in family.labels}
    for expression in _expressions():
        for name in _NAME.findall(expression):
            plain = re.sub(r"_(bucket|sum|count)$", "", name)
            assert plain in families or name in labels or f"{name}:" in expression, (name, expression)


def test_operations_has_each_figure_with_its_kind_and_labels(families: dict[str, Family]) -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| (counter|gauge|histogram) \| ([a-z0-9_, ]*)\|", OPERATIONS, re.MULTILINE)
    told = {name: (kind, tuple(label for label in labels.strip().split(", ") if label)) for name, kind, labels in rows}
    assert told == {name: (family.kind, family.labels) for name, family in families.items()}


def test_operations_says_what_to_do_at_each_alert() -> None:
    alerts = re.findall(r"- alert: (\w+)", RULES.read_text("utf-8"))
    assert re.findall(r"^\| `(BeerModel\w+)` \| .{20}", OPERATIONS, re.MULTILINE) == alerts


def test_the_queries_in_operations_are_those_that_are_recorded() -> None:
    recorded = re.sub(r"\s+", " ", RULES.read_text("utf-8"))
    queries = re.findall(r"```promql\n(.*?)```", OPERATIONS, re.DOTALL)
    assert len(queries) == 3
    for query in queries:
        assert re.sub(r"\s+", " ", query).strip() in recorded


def test_names_follow_prometheus_conventions(families: dict[str, Family]) -> None:
    for name, family in families.items():
        assert name.endswith("_total") == (family.kind == "counter"), name
        assert re.fullmatch(r"[a-z][a-z_]*[a-z]", name)
        if family.kind == "histogram":
            assert name.endswith(("_seconds", "_ibu", "_rows")) and list(family.buckets) == sorted(set(family.buckets))
