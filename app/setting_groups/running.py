"""Settings of where models run: the thread pool, and the model server."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from app.setting_groups.common import SentKey, SettingGroup, none_if_empty


def _check_server(url: str) -> str:
    scheme, _, target = url.partition("://")
    host, _, port = target.rpartition(":")
    if url and not (scheme in ("grpc", "grpcs") and host and port.isdecimal() and "/" not in target):
        raise ValueError("must be grpc://host:port, or grpcs://host:port for TLS")
    return url


class RunningSettings(SettingGroup):
    """The settings."""

    # Thread pool
    thread_pool_size: int = Field(
        default=2,
        ge=1,
        le=64,
        description="Number of threads in each worker for long-running requests: batches and explanations. Single "
        "predictions do not use them.",
    )
    thread_pool_queue: int = Field(
        default=16,
        ge=0,
        le=10_000,
        description="Number of long-running requests that may wait for a thread, in each worker; further ones get 503 "
        "with `Retry-After`.",
    )

    # Model server
    model_server: Annotated[str, AfterValidator(_check_server)] = Field(
        default="",
        description="Server that runs the models it has, over the Open Inference Protocol: `grpc://host:port`, or "
        "`grpcs://host:port` for TLS; see docs/operations.md. Empty: run every model in this program.",
    )
    model_server_api_key: Annotated[SentKey | None, BeforeValidator(none_if_empty)] = Field(
        default=None, description="Key to send to the model server as `x-api-key`. Empty: none."
    )
    model_server_timeout: float = Field(
        default=5, gt=0, le=600, description="Seconds to wait for the model server; then the response is 504."
    )
    model_server_calls: int = Field(
        default=16,
        ge=1,
        le=256,
        description="Maximum number of concurrent calls to the model server, in each worker; replaces "
        "`THREAD_POOL_SIZE`.",
    )
