"""Metrics, rules, dashboard and docs/operations.md agree, and promtool accepts rules and queries."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.composition.program import build
from app.domains.discovery import discover
from app.models.starting import load_active
from app.settings import load_settings
from app.telemetry.exposition import exposition
from app.telemetry.metrics import Family
from tests.committed import committed_models
from tests.keys import make_key
from tests.known import KEY, REPOSITORY

RULES = REPOSITORY / "deploy" / "prometheus" / "alerts.yml"
DASHBOARD = REPOSITORY / "deploy" / "grafana" / "beer-model.json"
OPERATIONS = (REPOSITORY / "docs" / "operations.md").read_text("utf-8")
NO_ALERT = {
    "records_bytes_total",
    "records_total",
    "api_keys",
    "api_keys_file_age_seconds",
    "beer_interval_width_ibu",
    "beer_predicted_bitterness_ibu",
    "grpc_request_duration_seconds",
    "grpc_requests_in_progress",
    "grpc_unread_connections_closed_total",
    "http_requests_in_progress",
    "memory_budget_limit_bytes",
    "memory_budget_taken_bytes",
    "model_calls_refused_total",
    "model_changes_total",
    "model_execution_seconds_total",
    "model_executions_total",
    "model_last_execution_timestamp_seconds",
    "model_rollout_beyond_total",
    "model_rollout_difference",
    "model_rollout_run_seconds_total",
    "model_rollout_runs_total",
    "model_rollout_share_ratio",
    "quality_beers",
    "quality_bias_ibu",
    "quality_labels",
    "quality_mean_absolute_error_ibu",
    "quality_promised_coverage_ratio",
}
"""Metrics that say what happens, not that something must be done: what goes wrong shows in another metric."""


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
    for name, value in {"API_KEY": KEY, "API_KEYS_FILE": "keys.json", "MODEL_URI": str(committed_models())}.items():
        monkeypatch.setenv(name, value)
    program = build(load_settings(), discover())
    load_active(program.manager)
    exposed = re.findall("^# TYPE ([a-z_]+) ([a-z]+)$", exposition(program.metrics).decode(), re.MULTILINE)
    assert len(exposed) > 8
    for name, kind in exposed:
        assert families[name].kind == kind


def _panels() -> list[dict[str, Any]]:
    dashboard: dict[str, Any] = json.loads(DASHBOARD.read_text("utf-8"))
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def _queries() -> list[str]:
    return [target["expr"] for panel in _panels() for target in panel["targets"]]


@cache
def _rules(kind: str) -> dict[str, str]:
    """The expressions of the rules of a kind, `alert` or `record`, by name."""
    groups = yaml.safe_load(RULES.read_text("utf-8"))["groups"]
    return {rule[kind]: rule["expr"] for group in groups for rule in group["rules"] if kind in rule}


def _recorded_in_full(expression: str) -> str:
    """An expression with those of the recorded series that it uses, directly or not."""
    used = [rule for name, rule in _rules("record").items() if name in expression]
    return "\n".join([expression, *map(_recorded_in_full, used)])


def _metrics(expressions: Iterable[str], families: dict[str, Family]) -> set[str]:
    """The metrics that expressions use; a histogram's series count as the histogram.

    Raises:
        AssertionError: If a name with the prefix of a metric is neither a metric nor a label.
    """
    labels = {label for family in families.values() for label in family.labels}
    prefixes = {name.split("_")[0] for name in families}
    found = set()
    for expression in expressions:
        for name in re.findall(r"\b[a-z]+_[a-z_]+\b(?![(:])", expression):
            plain = name if name in families else re.sub(r"_(bucket|sum|count)$", "", name)
            assert plain in families or name in labels or name.split("_")[0] not in prefixes, (name, expression)
            found |= {plain} & families.keys()
    return found


@pytest.mark.parametrize("command", [["check", "rules", str(RULES)], ["test", "rules", "alerts_test.yml"]])
def test_promtool_accepts_the_rules(command: list[str]) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    done = subprocess.run(["promtool", *command], cwd=RULES.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_accepts_the_queries_of_the_dashboard(tmp_path: Path) -> None:
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    queries = _queries()
    rule_list = [{"record": f"panel:{n}", "expr": re.sub(r"\$__\w+", "5m", query)} for n, query in enumerate(queries)]
    rules = tmp_path / "panels.json"  # which is YAML, too
    rules.write_text(json.dumps({"groups": [{"name": "panels", "rules": rule_list}]}), "utf-8")
    done = subprocess.run(["promtool", "check", "rules", str(rules)], capture_output=True, text=True)
    assert done.returncode == 0 and f"{len(queries)} rules found" in done.stdout, done.stdout + done.stderr


def test_every_alert_has_a_test() -> None:
    tests = (RULES.parent / "alerts_test.yml").read_text("utf-8")
    for alert in _rules("alert"):
        assert f"alertname: {alert}\n" in tests


def test_rules_use_only_metrics_that_exist_and_the_dashboard_shows_every_one(families: dict[str, Family]) -> None:
    assert _metrics([*_rules("alert").values(), *_rules("record").values()], families)
    assert _metrics(map(_recorded_in_full, _queries()), families) == families.keys()


def test_every_metric_has_an_alert_or_needs_none(families: dict[str, Family]) -> None:
    alerted = _metrics(map(_recorded_in_full, _rules("alert").values()), families)
    assert families.keys() - alerted == NO_ALERT


def test_panels_do_not_overlap_and_their_legends_use_labels_of_their_queries() -> None:
    places = [tuple(panel["gridPos"][side] for side in "xywh") for panel in _panels()]
    assert len({place[:2] for place in places}) == len(places)
    assert all(x + w <= 24 for x, _, w, _ in places)
    for target in (target for panel in _panels() for target in panel["targets"]):
        for label in re.findall(r"{{(\w+)}}", target["legendFormat"]):
            assert re.search(rf"\b{label}\b", _recorded_in_full(target["expr"])), (label, target)


def test_operations_documents_every_metric_with_kind_and_labels(families: dict[str, Family]) -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| (counter|gauge|histogram) \| ([a-z0-9_, ]*)\|", OPERATIONS, re.MULTILINE)
    documented = {
        name: (kind, tuple(label for label in labels.strip().split(", ") if label)) for name, kind, labels in rows
    }
    assert documented == {name: (family.kind, family.labels) for name, family in families.items()}


def test_operations_says_what_to_do_about_each_alert() -> None:
    assert re.findall(r"^\| `(BeerModel\w+)` \| .{20}", OPERATIONS, re.MULTILINE) == list(_rules("alert"))


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
            # a difference is in the unit of the model's output
            assert name.endswith(("_seconds", "_ibu", "_rows", "_difference")) and list(family.buckets) == sorted(
                set(family.buckets)
            )
