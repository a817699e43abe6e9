"""Settings of the gRPC server."""

from pathlib import Path

from pydantic import Field, ValidationInfo, field_validator

from app.setting_groups.common import OptionalPath, SettingGroup


class GrpcSettings(SettingGroup):
    """The settings."""

    grpc_enabled: bool = Field(default=True, description="Serve gRPC, on a port of its own.")
    grpc_port: int = Field(
        default=50052,
        ge=0,
        le=65535,
        description="gRPC port, on the same address. 0: any free port; the log names the one chosen.",
    )
    grpc_reflection: bool = Field(
        default=True,
        description="Serve gRPC reflection, without a key: clients such as `grpcurl` use it to list the services.",
    )
    grpc_max_message: int = Field(
        default=4_194_304,
        ge=1_000,
        le=100_000_000,
        description="Maximum size of a gRPC message in bytes, compressed and decompressed; larger messages get "
        "`RESOURCE_EXHAUSTED`.",
    )
    grpc_tls_cert: OptionalPath = Field(
        default=None, description="Certificate chain in PEM format: serve gRPC over TLS. Empty: no TLS."
    )
    grpc_tls_key: OptionalPath = Field(
        default=None, description="Private key of `GRPC_TLS_CERT` in PEM format, without a password."
    )
    grpc_tls_client_ca: OptionalPath = Field(
        default=None,
        description="CA certificates in PEM format for mutual TLS: clients need a certificate signed by one of them.",
    )

    @field_validator("grpc_tls_key", "grpc_tls_client_ca")
    @classmethod
    def _need_certificate(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        certified = info.data.get("grpc_tls_cert") is not None
        if path is not None and not certified:
            raise ValueError("needs GRPC_TLS_CERT as well")
        if path is None and certified and info.field_name == "grpc_tls_key":
            raise ValueError("is missing, and GRPC_TLS_CERT needs it")
        return path
