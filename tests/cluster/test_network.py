"""What the NetworkPolicies let through, evaluated by the rules of Kubernetes: no cluster enforces them here."""

import os
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.files import FOLDER, documents, policies

pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed; `tox -e deploy` does")

from kubernetes_validate import latest_version, validate  # noqa: E402


@dataclass(frozen=True)
class Pod:
    """One end of a connection: a pod, or with `address` a machine outside the cluster."""

    labels: dict[str, str] = field(default_factory=dict)
    namespace: str = "beer-model"
    address: str = ""


API = Pod({"app.kubernetes.io/name": "beer-model", "app.kubernetes.io/component": "api"})
CLIENT = Pod({"beer-model/client": "grpc"})
MODEL_SERVER = Pod({"serving.kserve.io/inferenceservice": "beer-models"})
REDIS = Pod({"app.kubernetes.io/name": "redis"})
INGRESS = Pod(namespace="ingress-nginx")
PROMETHEUS = Pod(namespace="monitoring")
DNS = Pod({"k8s-app": "kube-dns"}, "kube-system")
STRANGER = Pod({"app": "anything"})
OUTSIDE = Pod(namespace="", address="203.0.113.7")
METADATA = Pod(namespace="", address="169.254.169.254")

Policies = list[dict[str, Any]]
overlays = pytest.mark.parametrize("overlay", ["overlays/small", "overlays/production"])


def _matches(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    assert selector.keys() <= {"matchLabels", "matchExpressions"}
    for expression in selector.get("matchExpressions", []):
        assert expression["operator"] == "In"
        if labels.get(expression["key"]) not in expression["values"]:
            return False
    wanted: dict[str, str] = selector.get("matchLabels", {})
    return wanted.items() <= labels.items()


def _is_peer(entry: dict[str, Any], pod: Pod, namespace: str) -> bool:
    if block := entry.get("ipBlock"):
        address = ip_address(pod.address or "10.1.2.3")
        return address in ip_network(block["cidr"]) and not any(
            address in ip_network(excluded) for excluded in block.get("except", [])
        )
    if pod.address:
        return False
    if "namespaceSelector" in entry:
        fits = _matches(entry["namespaceSelector"], {"kubernetes.io/metadata.name": pod.namespace})
    else:
        fits = pod.namespace == namespace
    return fits and _matches(entry.get("podSelector", {}), pod.labels)


def _allows(rules: Policies, way: str, pod: Pod, peer: Pod, port: int | str, protocol: str) -> bool:
    """Whether the policies of a pod let a connection in (`Ingress`) or out (`Egress`)."""
    chosen = [
        policy["spec"]
        for policy in rules
        if policy["metadata"]["namespace"] == pod.namespace
        and way in policy["spec"]["policyTypes"]
        and _matches(policy["spec"]["podSelector"], pod.labels)
    ]
    if not chosen:
        return True
    return any(
        {"port": port, "protocol": protocol} in rule["ports"]
        and any(_is_peer(entry, peer, pod.namespace) for entry in rule["from" if way == "Ingress" else "to"])
        for spec in chosen
        for rule in spec.get(way.lower(), [])
    )


def _connects(rules: Policies, source: Pod, target: Pod, port: int | str, protocol: str = "TCP") -> bool:
    """Whether a connection comes about: the source's policies let it out, and the target's let it in."""
    return _allows(rules, "Egress", source, target, port, protocol) and _allows(
        rules, "Ingress", target, source, port, protocol
    )


@overlays
def test_each_port_of_the_api_is_open_to_its_own_clients_only(overlay: str) -> None:
    rules = policies(overlay)
    clients = {"ingress": INGRESS, "prometheus": PROMETHEUS, "client": CLIENT, "stranger": STRANGER, "out": OUTSIDE}
    reached = {
        (name, port)
        for name, client in clients.items()
        for port in ("http", "grpc", "management")
        if _connects(rules, client, API, port)
    }
    assert reached == {("ingress", "http"), ("prometheus", "management"), ("client", "grpc")}


@overlays
def test_a_pod_without_a_policy_of_its_own_reaches_nobody_and_nobody_reaches_it(overlay: str) -> None:
    rules = policies(overlay)
    for other in (API, CLIENT, INGRESS, PROMETHEUS, DNS, OUTSIDE, METADATA):
        for port in (53, 80, 443, 6379, "http", "grpc"):
            assert not _connects(rules, STRANGER, other, port) and not _connects(rules, other, STRANGER, port)


@overlays
def test_the_api_calls_nobody_and_its_grpc_clients_resolve_names(overlay: str) -> None:
    rules = policies(overlay)
    for port in (53, 443, 6379, 50052):
        for other in (DNS, OUTSIDE, REDIS, MODEL_SERVER, METADATA):
            assert not _connects(rules, API, other, port)
    assert _connects(rules, CLIENT, DNS, 53, "UDP") and _connects(rules, CLIENT, DNS, 53)
    assert not _connects(rules, CLIENT, OUTSIDE, 443)


@pytest.fixture
def with_components(tmp_path: Path) -> str:
    """The overlay for production with every component, and KServe's files in the same namespace."""
    folder = Path(os.path.relpath(FOLDER.resolve(), tmp_path.resolve()))
    components = "".join(f"  - {folder}/components/{name}\n" for name in ("redis", "model-server", "object-store"))
    text = f"namespace: beer-model\nresources:\n  - {folder}/overlays/production\ncomponents:\n{components}"
    (tmp_path / "kustomization.yaml").write_text(text, "utf-8")
    return str(tmp_path)


def test_each_component_opens_the_way_to_its_destination_only(with_components: str) -> None:
    rules = policies(with_components) + policies("kserve")
    destinations = {"redis": REDIS, "models": MODEL_SERVER, "outside": OUTSIDE, "metadata": METADATA, "pod": STRANGER}
    reached = {
        (name, port)
        for name, destination in destinations.items()
        for port in (80, 443, 6379, 50052)
        if _allows(rules, "Egress", API, destination, port, "TCP")
    }
    # The address of a pod is an address: HTTPS to one is for its own policy to reject.
    assert reached - {(name, 443) for name in ("redis", "models", "pod")} == {
        ("redis", 6379),
        ("models", 50052),
        ("outside", 443),
    }
    assert _connects(rules, API, MODEL_SERVER, 50052) and _connects(rules, CLIENT, MODEL_SERVER, 50052)
    assert _connects(rules, API, DNS, 53, "UDP") and not _connects(rules, API, STRANGER, 443)
    for resource in documents(with_components):
        if resource["kind"] == "NetworkPolicy":
            validate(resource, latest_version(), strict=True)


def test_the_model_server_answers_the_api_and_its_clients_and_calls_only_the_object_store() -> None:
    rules = policies("kserve")
    clients = {"api": API, "client": CLIENT, "prometheus": PROMETHEUS, "stranger": STRANGER, "ingress": INGRESS}
    entered = {
        (name, port)
        for name, client in clients.items()
        for port in (8000, 9000, 50052)
        if _allows(rules, "Ingress", MODEL_SERVER, client, port, "TCP")
    }
    assert entered == {("api", 50052), ("client", 50052), ("prometheus", 9000)}
    assert _connects(rules, MODEL_SERVER, OUTSIDE, 443) and _connects(rules, MODEL_SERVER, DNS, 53, "UDP")
    assert not _connects(rules, MODEL_SERVER, OUTSIDE, 80) and not _connects(rules, MODEL_SERVER, METADATA, 443)


@pytest.mark.parametrize("version", ["1.31", latest_version()])
def test_the_policy_and_the_budget_of_kserve_are_valid(version: str) -> None:
    known = [resource for resource in documents("kserve") if "kserve" not in resource["apiVersion"]]
    assert sorted(resource["kind"] for resource in known) == ["NetworkPolicy", "PodDisruptionBudget"]
    for resource in known:
        validate(resource, version, strict=True)
