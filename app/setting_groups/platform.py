"""Settings of the platform's functions (docs/platform.md). The service has none of them."""

from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, Field


def check_api(url: str) -> str:
    """Check the address of a beer API, and return it.

    Raises:
        ValueError: If it is none.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or not (url.isascii() and url.isprintable()):
        raise ValueError("must be an address that begins with https:// or http://")
    return url


class _Logged(BaseModel):
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Minimum level of logs."
    )


class PollSettings(_Logged):
    """Settings of what asks the beer API."""

    beer_api: Annotated[str, AfterValidator(check_api)] = Field(
        description="Address of an API in the shape of the Punk API, such as `https://punkapi.example/v2`."
    )
    beer_api_beers: Literal["all", "random"] = Field(
        default="random", description="What to ask for: `all` beers, page by page, or one at `random`."
    )
    beer_stream: str = Field(default="", description="Name of the stream that the beers are put on.")


class TransformSettings(_Logged):
    """Settings of what cleans beers."""

    cleaned_labels: Literal["required", "optional"] = Field(
        default="required",
        description="Whether a beer without a plausible IBU is dropped, as training drops it (`required`), or kept "
        "without its IBU, to be answered (`optional`).",
    )
