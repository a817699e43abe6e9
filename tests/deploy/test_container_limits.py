"""The limits that docker-compose.yml and the Kubernetes files set: each container has all, and the program fits in."""

from typing import Any

import pytest
import yaml

from app.serving.sockets import MAX_OPEN_FILES
from app.settings import Settings
from tests.known import REPOSITORY

MEGABYTE = 10**6
AFTER_START = 135 * MEGABYTE
"""Bytes that the program with all models and gRPC takes at most after its start, by docs/performance.md."""

CONNECTION = 20_000
"""Bytes of a connection with 15 KB of unfinished headers, measured with 4,000 of them (82 MB)."""


KUBERNETES = REPOSITORY / "deploy" / "kubernetes"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((REPOSITORY / "docker-compose.yml").read_text("utf-8"))["services"]


def _profiles(name: str) -> list[str]:
    profiles: list[str] = SERVICES[name].get("profiles", [])
    return profiles


services = pytest.mark.parametrize("name", sorted(SERVICES))
servers = pytest.mark.parametrize("name", sorted(name for name in SERVICES if "platform" not in _profiles(name)))


def _bytes(text: str) -> int:
    """The bytes of a size with a binary unit, such as 512m or 64Mi."""
    units = {"m": 2**20, "Mi": 2**20}
    unit = text.lstrip("0123456789")
    return int(text.removesuffix(unit)) * units[unit]


def _need(temporary: int, settings: dict[str, str]) -> int:
    """Bytes that the program may take: after the start, by requests in progress, and in a /tmp that is memory."""
    fields = {name.lower(): value for name, value in settings.items()}
    parsed = Settings(_env_file=None, **fields)  # type: ignore[call-arg, arg-type]
    return AFTER_START + parsed.workers * parsed.memory_budget + temporary


@services
def test_a_container_of_compose_has_no_privileges_and_all_limits(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True and service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"] and "privileged" not in service
    assert service["pids_limit"] == 256 and service["cpus"] == 1
    assert service["memswap_limit"] == service["mem_limit"], "with swap, the limit is twice as high"
    assert not {"cap_add", "devices", "pid", "ipc"} & service.keys()
    assert service.get("volumes", []) == (["beers:/data"] if name == "store" else [])
    assert service.get("network_mode", "none") == "none"


def test_the_platform_is_off_and_without_the_keys_of_the_service() -> None:
    own = {name: SERVICES[name] for name in SERVICES if _profiles(name)}
    assert set(own) == {"store", "poller", "transformer"}
    assert all(service["secrets"] == [] and service["profiles"] == ["platform"] for service in own.values())
    assert own["store"]["ports"] == ["127.0.0.1:${STORE_PORT:-4568}:4568"]
    assert own["transformer"]["networks"] == ["store"], "it needs nothing outside"


@servers
def test_the_program_fits_into_the_memory_of_its_compose_container(name: str) -> None:
    service = SERVICES[name]
    (temporary,) = service["tmpfs"]
    names = service["environment"].keys() & {"API_KEYS_FILE", "WORKERS", "MEMORY_BUDGET"}
    environment = {key: service["environment"][key] for key in names}
    need = _need(_bytes(temporary.rpartition("size=")[2]), environment)
    assert need + MAX_OPEN_FILES * CONNECTION <= _bytes(service["mem_limit"])


def test_the_program_fits_into_the_memory_of_its_pod() -> None:
    kustomization = yaml.safe_load((KUBERNETES / "base" / "kustomization.yaml").read_text("utf-8"))
    (generator,) = kustomization["configMapGenerator"]
    settings = dict(literal.split("=", 1) for literal in generator["literals"])
    deployment = yaml.safe_load((KUBERNETES / "base" / "deployment.yaml").read_text("utf-8"))
    _check(deployment["spec"]["template"]["spec"], settings)


def test_the_model_server_fits_into_the_memory_of_its_pod_at_kserve() -> None:
    runtime = yaml.safe_load((KUBERNETES / "kserve" / "runtime.yaml").read_text("utf-8"))
    (container,) = runtime["spec"]["containers"]
    _check(runtime["spec"], {entry["name"]: entry["value"] for entry in container["env"]})


def _check(pod: dict[str, Any], settings: dict[str, str]) -> None:
    (container,) = pod["containers"]
    (temporary,) = (volume["emptyDir"] for volume in pod["volumes"] if "emptyDir" in volume)
    assert temporary["medium"] == "Memory"
    need = _need(_bytes(temporary["sizeLimit"]), settings) + MAX_OPEN_FILES * CONNECTION
    assert need <= _bytes(container["resources"]["limits"]["memory"])
