"""Rules, dashboard and docs/operations.md: valid for promtool, and about metrics that exist."""

import json
import re
import shutil
import subprocess
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from app.composition.program import build
from app.domains.discovery import discover
from app.settings import load_settings
from app.telemetry.exposition import exposition
from app.telemetry.metrics import Family
from tests.keys import make_key
from tests.known import KEY, REPOSITORY

RULES = REPOSITORY / "deploy" / "prometheus" / "alerts.yml"
DASHBOARD = REPOSITORY / "deploy" / "grafana" / "beer-model.json"
OPERATIONS = (REPOSITORY / "docs" / "operations.md").read_text("utf-8")
_NAME = re.compile(r"\b(?:http|grpc|model|beer|api|rate|heartbeat|log|worker|metrics)_[a-z_]+\b(?!\()")


@pytest.fixture(scope="module")
def families() -> dict[str, Family]:
    """Every family that a module of the program declares, by name."""
    sources = (path for path in (REPOSITORY / "app").rglob("*.py") if " = Family(" in path.read_text("utf-8"))
    modules = [import_module(".".join(path.relative_to(REPOSITORY).with_suffix("").parts)) for path in sources]
    declared = [value for module in modules for value in vars(module).values() if isinstance(value, Family)]
    families = {family.name: family for family in declared}
    assert len(families) == len(set(declared)) > 20, "two families share a name"
    return families


def test_the_program_exposes_only_families_that_modules_declare(
    families: dict[str, Family], plain_environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_key(plain_environment / "keys.json", "one")
    for name, value in {"API_KEY": KEY, "API_KEYS_FILE": "keys.json", "MODEL_URI": str(REPOSITORY / "models")}.items():
        monkeypatch.setenv(name, value)
    program = build(load_settings(), discover())
    program.manager.load_active()
    exposed = re.findall("^# TYPE ([a-z_]+) ([a-z]+)$", exposition(program.metrics).decode(), re.MULTILINE)
    assert len(exposed) > 8
    for name, kind in exposed:
        assert families[name].kind == kind


def _expressions() -> list[str]:
    dashboard: dict[str, Any] = json.loads(DASHBOARD.read_text("utf-8"))
    panels = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    rules = re.split(r"\n +- (?:alert|record): ", RULES.read_text("utf-8"))[1:]
    return panels + [rule.split("labels:")[0].split("annotations:")[0] for rule in rules]


@pytest.mark.parametrize("command", [["check", "rules", str(RULES)], ["test", "rules", "alerts_test.yml"]])
def test_promtool_accepts_the_rules(command: list[str]) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    done = subprocess.run(["promtool", *command], cwd=RULES.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_accepts_the_queries_of_the_dashboard(tmp_path: Path) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    dashboard: dict[str, Any] = json.loads(DASHBOARD.read_text("utf-8"))
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    rule_list = [{"record": f"panel:{n}", "expr": re.sub(r"\$__\w+", "5m", query)} for n, query in enumerate(queries)]
    rules = tmp_path / "panels.json"  # which is YAML, too
    rules.write_text(json.dumps({"groups": [{"name": "panels", "rules": rule_list}]}), "utf-8")
    done = subprocess.run(["promtool", "check", "rules", str(rules)], capture_output=True, text=True)
    assert done.returncode == 0 and f"{len(queries)} rules found" in done.stdout, done.stdout + done.stderr


def test_every_alert_has_a_test() -> None:
    tests = (RULES.parent / "alerts_test.yml").read_text("utf-8")
    for alert in re.findall(r"- alert: (\w+)", RULES.read_text("utf-8")):
        assert f"alertname: {alert}\n" in tests


def test_rules_and_dashboard_use_only_metrics_that_exist(families: dict[str, Family]) -> None:
    labels = {label for family in families.values() for label in family.labels}
    for expression in _expressions():
        for name in _NAME.findall(expression):
            plain = re.sub(r"_(bucket|sum|count)$", "", name)
            assert plain in families or name in labels or f"{name}:" in expression, (name, expression)


def test_operations_documents_every_metric_with_kind_and_labels(families: dict[str, Family]) -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| (counter|gauge|histogram) \| ([a-z0-9_, ]*)\|", OPERATIONS, re.MULTILINE)
    documented = {
        name: (kind, tuple(label for label in labels.strip().split(", ") if label)) for name, kind, labels in rows
    }
    assert documented == {name: (family.kind, family.labels) for name, family in families.items()}


def test_operations_says_what_to_do_about_each_alert() -> None:
    alerts = re.findall(r"- alert: (\w+)", RULES.read_text("utf-8"))
    assert re.findall(r"^\| `(BeerModel\w+)` \| .{20}", OPERATIONS, re.MULTILINE) == alerts


def test_the_queries_in_operations_are_recorded() -> None:
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
