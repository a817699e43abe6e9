"""The Kubernetes files as kustomize renders them: valid, restricted, and consistent with the program."""

import subprocess
from typing import Any

import pytest
import yaml

from app.settings import Settings
from tests.cluster.files import documents, policies, read, render
from tests.known import REPOSITORY

pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed; `tox -e deploy` does")

from kubernetes_validate import latest_version, validate  # noqa: E402

OVERLAYS = ["overlays/small", "overlays/production"]
CUSTOM = {"ServiceMonitor", "PrometheusRule"}
VOLUMES_OF_RESTRICTED = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
}

overlays = pytest.mark.parametrize("overlay", OVERLAYS)


def _pod(overlay: str) -> dict[str, Any]:
    pod: dict[str, Any] = read(overlay)["Deployment"]["spec"]["template"]["spec"]
    return pod


def _container(overlay: str) -> dict[str, Any]:
    (container,) = _pod(overlay)["containers"]
    typed: dict[str, Any] = container
    return typed


def _settings(overlay: str) -> dict[str, str]:
    typed: dict[str, str] = read(overlay)["ConfigMap"]["data"]
    return typed


@overlays
@pytest.mark.parametrize("version", ["1.31", latest_version()])
def test_every_resource_is_valid_in_the_oldest_and_the_newest_cluster(overlay: str, version: str) -> None:
    known = [resource for resource in documents(overlay) if resource["kind"] not in CUSTOM]
    assert len(known) == 11
    for resource in known:
        validate(resource, version, strict=True)


@overlays
def test_the_pod_meets_the_restricted_profile_that_the_namespace_enforces(overlay: str) -> None:
    pod, context = _pod(overlay), _container(overlay)["securityContext"]
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers", "ephemeralContainers"} & pod.keys()
    assert pod["securityContext"]["runAsNonRoot"] is True and pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert "sysctls" not in pod["securityContext"]
    assert context["allowPrivilegeEscalation"] is False and context["readOnlyRootFilesystem"] is True
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert not {"privileged", "procMount", "seLinuxOptions", "runAsUser"} & context.keys()
    assert not any("hostPort" in port for port in _container(overlay)["ports"])
    assert {kind for volume in pod["volumes"] for kind in volume if kind != "name"} <= VOLUMES_OF_RESTRICTED
    labels = read(overlay)["Namespace"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


@overlays
def test_no_pod_has_a_token_of_the_cluster(overlay: str) -> None:
    account = read(overlay)["ServiceAccount"]
    assert account["automountServiceAccountToken"] is False and _pod(overlay)["automountServiceAccountToken"] is False
    assert _pod(overlay)["serviceAccountName"] == account["metadata"]["name"]


@overlays
def test_every_setting_is_a_setting_of_the_program(overlay: str) -> None:
    settings = _settings(overlay)
    fields = {name.lower(): value for name, value in settings.items()}
    assert fields.keys() <= Settings.model_fields.keys()
    parsed = Settings(_env_file=None, **fields)  # type: ignore[call-arg, arg-type]
    ports = {port["name"]: port["containerPort"] for port in _container(overlay)["ports"]}
    assert ports == {"http": parsed.port, "grpc": parsed.grpc_port, "management": parsed.management_port}
    name = read(overlay)["ConfigMap"]["metadata"]["name"]
    assert _container(overlay)["envFrom"] == [{"configMapRef": {"name": name}}]


@overlays
def test_the_keys_are_only_in_a_mounted_secret(overlay: str) -> None:
    volumes = {volume["name"]: volume for volume in _pod(overlay)["volumes"]}
    mounts = {mount["name"]: mount for mount in _container(overlay)["volumeMounts"]}
    assert volumes["keys"]["secret"] == {"secretName": "beer-model-keys", "defaultMode": 0o440}
    assert mounts["keys"]["readOnly"] is True
    assert _settings(overlay)["API_KEYS_FILE"] == mounts["keys"]["mountPath"] + "/keys.json"
    assert "Secret" not in read(overlay) and "API_KEY" not in _settings(overlay)


@overlays
def test_the_grace_period_covers_the_delay_and_the_requests_in_progress(overlay: str) -> None:
    before = _container(overlay)["lifecycle"]["preStop"]["exec"]["command"]
    grace = _pod(overlay)["terminationGracePeriodSeconds"]
    assert before[0] == "sleep"
    assert grace >= int(before[1]) + float(_settings(overlay)["SHUTDOWN_GRACE"]) + 2


@overlays
def test_liveness_is_asked_on_the_management_port_and_readiness_where_predictions_are_answered(overlay: str) -> None:
    container = _container(overlay)
    probes = {name: container[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
    assert [get["port"] for get in probes.values()] == ["http", "management", "http"]
    assert [get["path"] for get in probes.values()] == ["/health/live", "/health/live", "/health/ready"]


@overlays
def test_all_resources_select_the_same_pods(overlay: str) -> None:
    resources = read(overlay)
    labels = resources["Deployment"]["spec"]["template"]["metadata"]["labels"]
    chosen = [
        resources["Deployment"]["spec"]["selector"]["matchLabels"],
        resources["Service"]["spec"]["selector"],
        resources["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        *(spread["labelSelector"]["matchLabels"] for spread in _pod(overlay)["topologySpreadConstraints"]),
    ]
    for selector in chosen:
        assert selector and selector.items() <= labels.items()
    target = resources["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", resources["Deployment"]["metadata"]["name"])
    assert "replicas" not in resources["Deployment"]["spec"]


@overlays
def test_every_referenced_port_exists(overlay: str) -> None:
    resources = read(overlay)
    container = {port["name"] for port in _container(overlay)["ports"]}
    service = {port["name"] for port in resources["Service"]["spec"]["ports"]}
    assert {port["targetPort"] for port in resources["Service"]["spec"]["ports"]} <= container
    (rule,) = resources["Ingress"]["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    assert path["backend"]["service"] == {"name": resources["Service"]["metadata"]["name"], "port": {"name": "http"}}
    assert resources["Ingress"]["spec"]["tls"] == [{"hosts": [rule["host"]], "secretName": "beer-model-tls"}]
    rules = [rule for policy in policies(overlay) for rule in policy["spec"].get("ingress", [])]
    assert {port["port"] for rule in rules for port in rule["ports"]} == container
    assert {endpoint["port"] for endpoint in resources["ServiceMonitor"]["spec"]["endpoints"]} <= service


@overlays
def test_prometheus_scrapes_the_service_under_the_job_name_of_the_alerts(overlay: str) -> None:
    monitor, service = read(overlay)["ServiceMonitor"], read(overlay)["Service"]
    assert monitor["apiVersion"] == "monitoring.coreos.com/v1"
    assert monitor["spec"]["endpoints"] == [{"port": "management", "path": "/metrics", "interval": "15s"}]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert f'up{{job="{service["metadata"]["name"]}"}}' in render(overlay)


@overlays
def test_the_alert_rules_equal_those_of_deploy_prometheus(overlay: str) -> None:
    rules = read(overlay)["PrometheusRule"]
    assert rules["apiVersion"] == "monitoring.coreos.com/v1"
    alerts = yaml.safe_load((REPOSITORY / "deploy" / "prometheus" / "alerts.yml").read_text("utf-8"))
    assert rules["spec"] == alerts, "run scripts/rules.sh"


def test_pods_scale_by_cpu_and_by_requests_in_progress() -> None:
    scaler = read("overlays/production")["HorizontalPodAutoscaler"]["spec"]
    cpu, work = scaler["metrics"]
    assert (cpu["type"], cpu["resource"]["name"]) == ("Resource", "cpu")
    name = work["pods"]["metric"]["name"]
    assert f"`{name}`" in (REPOSITORY / "docs" / "operations.md").read_text("utf-8")
    assert 3 <= scaler["minReplicas"] < scaler["maxReplicas"]
    small = read("overlays/small")["HorizontalPodAutoscaler"]["spec"]
    assert small["minReplicas"] == 1 and [metric["type"] for metric in small["metrics"]] == ["Resource"]


@overlays
def test_the_image_has_a_release_tag_and_the_memory_a_limit(overlay: str) -> None:
    container = _container(overlay)
    name, _, tag = container["image"].rpartition(":")
    assert name.endswith("/beer-model") and tag not in ("", "latest")
    assert container["resources"]["limits"].keys() == {"memory"}
    assert container["resources"]["requests"].keys() == {"cpu", "memory"}


def test_the_committed_rules_are_up_to_date() -> None:
    path = REPOSITORY / "deploy" / "kubernetes" / "base" / "rules.yaml"
    before = path.read_bytes()
    subprocess.run(["bash", str(REPOSITORY / "scripts" / "rules.sh")], check=True)
    assert path.read_bytes() == before
