"""KServe's files, checked field by field and against the program's settings: no validator here has their schemas."""

from typing import Any

from app.settings import Settings
from tests.cluster.files import read


def _container() -> dict[str, Any]:
    (container,) = read("kserve")["ServingRuntime"]["spec"]["containers"]
    typed: dict[str, Any] = container
    return typed


def test_the_inference_service_uses_the_serving_runtime() -> None:
    runtime, manager = read("kserve")["ServingRuntime"], read("kserve")["InferenceService"]
    assert runtime["apiVersion"] == "serving.kserve.io/v1alpha1"
    assert manager["apiVersion"] == "serving.kserve.io/v1beta1"
    model = manager["spec"]["predictor"]["model"]
    assert model["runtime"] == runtime["metadata"]["name"]
    assert model["protocolVersion"] in runtime["spec"]["protocolVersions"] == ["grpc-v2"]
    (known,) = runtime["spec"]["supportedModelFormats"]
    assert model["modelFormat"].items() <= known.items() and known["autoSelect"] is True
    assert model["storageUri"].startswith("s3://")
    assert runtime["metadata"]["namespace"] == manager["metadata"]["namespace"] == "beer-model"


def test_the_container_is_the_model_server_with_the_mounted_models() -> None:
    container = _container()
    assert container["name"] == "kserve-container"
    assert container["image"].rpartition(":")[0].endswith("/beer-model-server")
    assert "command" not in container and "args" not in container
    environment = {entry["name"]: entry["value"] for entry in container["env"]}
    fields = {name.lower(): value for name, value in environment.items()}
    settings = Settings(_env_file=None, **fields)  # type: ignore[arg-type, call-arg]
    assert {name.lower() for name in environment} <= Settings.model_fields.keys()
    assert str(settings.model_uri) == "/mnt/models"
    (port,) = container["ports"]
    assert port == {"name": "h2c", "containerPort": settings.grpc_port, "protocol": "TCP"}
    assert (
        container["readinessProbe"]["grpc"]["port"] == container["startupProbe"]["grpc"]["port"] == settings.grpc_port
    )
    assert container["livenessProbe"]["httpGet"] == {"path": "/health/live", "port": settings.management_port}
    assert settings.management_port


def test_nodes_are_drained_one_pod_of_the_inference_service_at_a_time() -> None:
    resources = read("kserve")
    budget = resources["PodDisruptionBudget"]
    assert budget["spec"]["maxUnavailable"] == 1 and budget["metadata"]["namespace"] == "beer-model"
    name = resources["InferenceService"]["metadata"]["name"]
    assert budget["spec"]["selector"]["matchLabels"] == {"serving.kserve.io/inferenceservice": name}


def test_the_container_runs_restricted_with_the_keys_from_the_secret() -> None:
    container = _container()
    assert container["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    volumes = {volume["name"]: volume for volume in read("kserve")["ServingRuntime"]["spec"]["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes.keys() == {"keys", "tmp"}
    assert volumes["keys"]["secret"]["secretName"] == "beer-model-keys"
