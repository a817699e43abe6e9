"""Builds the gRPC server. It is imported only where gRPC is on: the library takes about 20 MB."""

import ssl
from pathlib import Path

import grpc

from app.composition.program import Program
from app.errors import SettingsError
from app.rpc.handler import GrpcHandler
from app.rpc.health import Health
from app.rpc.inference import SERVICE as INFERENCE
from app.rpc.inference import InferenceMethods
from app.rpc.iris import MODEL as IRIS_MODEL
from app.rpc.iris import SERVICE as IRIS
from app.rpc.iris import IrisMethods
from app.rpc.limits import CallLimits
from app.rpc.methods import Method
from app.rpc.server import Bounds, GrpcServer
from app.settings import Settings


def build_grpc_server(settings: Settings, program: Program, address: str) -> GrpcServer:
    """Build the gRPC server of this process.

    Args:
        settings: The limits and the credentials.
        program: The parts that gRPC shares with REST.
        address: Host and port, which are reserved.
    """
    plane, lifecycle = program.data_plane, program.lifecycle
    inference = InferenceMethods(plane, program.thread_pool, lambda: lifecycle.ready, program.traffic)
    services = {"": lambda: lifecycle.ready, INFERENCE: lambda: lifecycle.ready}
    methods: tuple[Method, ...] = inference.methods
    if IRIS_MODEL in plane.names and not settings.serves_models_only:
        services[IRIS] = lambda: plane.is_ready(IRIS_MODEL)
        methods += IrisMethods(plane, program.traffic).methods
    health = Health(services)
    handler = GrpcHandler(
        (*methods, *health.methods),
        program.guard,
        program.log,
        program.metrics,
        program.public_models,
        CallLimits.build(
            program.memory_budget,
            program.metrics,
            seconds=settings.body_timeout,
            message_bytes=settings.grpc_max_message,
        ),
        settings.record_rate > 0,
        program.watch,
    )
    return GrpcServer(
        handler,
        health,
        address,
        Bounds(settings.grpc_max_message, settings.header_timeout),
        _credentials(settings),
        reflected=tuple(name for name in services if name) if settings.grpc_reflection else None,
    )


def check_tls(settings: Settings) -> None:
    """Check the files that TLS needs.

    Raises:
        SettingsError: If a file is missing, or does not fit the others.
    """
    for name, path in (
        ("GRPC_TLS_CERT", settings.grpc_tls_cert),
        ("GRPC_TLS_KEY", settings.grpc_tls_key),
        ("GRPC_TLS_CLIENT_CA", settings.grpc_tls_client_ca),
    ):
        if path is not None:
            _read(name, path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        if settings.grpc_tls_cert and settings.grpc_tls_key:
            context.load_cert_chain(settings.grpc_tls_cert, settings.grpc_tls_key, password="")  # nosec B106
    except (ssl.SSLError, ValueError):
        raise SettingsError("GRPC_TLS_KEY: is not the key of GRPC_TLS_CERT, in PEM and without a password") from None
    try:
        if settings.grpc_tls_client_ca:
            context.load_verify_locations(settings.grpc_tls_client_ca)
    except ssl.SSLError:
        raise SettingsError("GRPC_TLS_CLIENT_CA: holds no certificates in PEM") from None


def _credentials(settings: Settings) -> grpc.ServerCredentials | None:
    if not (settings.grpc_tls_cert and settings.grpc_tls_key):
        return None
    pair = _read("GRPC_TLS_KEY", settings.grpc_tls_key), _read("GRPC_TLS_CERT", settings.grpc_tls_cert)
    client_ca = settings.grpc_tls_client_ca
    roots = _read("GRPC_TLS_CLIENT_CA", client_ca) if client_ca else None
    return grpc.ssl_server_credentials([pair], root_certificates=roots, require_client_auth=roots is not None)


def _read(name: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{name}: {path} cannot be read: {error.strerror}") from None
