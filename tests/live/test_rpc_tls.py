"""TLS of the gRPC server: certificates, mutual TLS, and configuration errors."""

import subprocess
from pathlib import Path

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest

from tests.known import KEY
from tests.live.program import Start
from tests.live.rpc import BEER_ROW, HEALTH, caller, typed


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the authority ``ca`` and, signed by it, ``server`` and ``client``, each ``.pem`` and ``.key``."""
    folder = tmp_path_factory.mktemp("certificates")
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    _openssl(folder, "req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ca", "-days", "2")
    for name in ("server", "client"):
        request = ("-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        _openssl(folder, "req", *curve, *request, "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-copy_extensions", "copy")
        _openssl(folder, "x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.pem", *signed)
    return folder


def _settings(certificates: Path, **more: str) -> dict[str, str]:
    pair = {"GRPC_TLS_CERT": str(certificates / "server.pem"), "GRPC_TLS_KEY": str(certificates / "server.key")}
    return {"API_KEY": KEY, "PORT": "0", **pair, **more}


def _credentials(certificates: Path, *own: str) -> grpc.ChannelCredentials:
    chain = [(certificates / name).read_bytes() for name in own]
    return grpc.ssl_channel_credentials((certificates / "ca.pem").read_bytes(), *chain)


def test_tls_serves_clients_that_trust_the_certificate_and_no_plain_text(start: Start, certificates: Path) -> None:
    address = start(**_settings(certificates)).rpc()
    with caller(address, _credentials(certificates)) as client:
        assert client.infer(typed("beer-ibu", BEER_ROW)).code is grpc.StatusCode.OK
    with caller(address) as client:
        assert client.call(f"{HEALTH}Check", HealthCheckRequest(), timeout=5).code is not grpc.StatusCode.OK


def test_mutual_tls_requires_a_signed_certificate_and_a_key(start: Start, certificates: Path) -> None:
    address = start(**_settings(certificates, GRPC_TLS_CLIENT_CA=str(certificates / "ca.pem"))).rpc()
    with caller(address, _credentials(certificates, "client.key", "client.pem")) as client:
        assert client.infer(typed("beer-ibu", BEER_ROW)).code is grpc.StatusCode.OK
        assert client.infer(typed("beer-ibu", BEER_ROW), key=None).code is grpc.StatusCode.UNAUTHENTICATED
    with caller(address, _credentials(certificates)) as client:
        assert client.infer(typed("beer-ibu", BEER_ROW), timeout=5).code is not grpc.StatusCode.OK


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("GRPC_TLS_CERT", None, "cannot be read: No such file or directory"),
        ("GRPC_TLS_KEY", None, "cannot be read: No such file or directory"),
        ("GRPC_TLS_KEY", "nonsense", "is not the key of GRPC_TLS_CERT"),
        ("GRPC_TLS_CLIENT_CA", "nonsense", "holds no certificates in PEM"),
    ],
)
def test_a_missing_or_invalid_file_stops_the_start(
    start: Start, certificates: Path, tmp_path: Path, name: str, content: str | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "file").write_text(content)
    program = start(**_settings(certificates, **{name: str(tmp_path / "file")}))
    assert program.exit_code() == 2
    assert name in program.errors and message in program.errors


def test_a_certificate_without_a_key_stops_the_start(start: Start, certificates: Path) -> None:
    program = start(API_KEY=KEY, PORT="0", GRPC_TLS_CERT=str(certificates / "server.pem"))
    assert program.exit_code() == 2
    assert "GRPC_TLS_KEY: is missing" in program.errors
