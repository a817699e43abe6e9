"""Requests and responses of the pets domain."""

from typing import Literal, NotRequired

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr
from typing_extensions import TypedDict

from app.domains.api import ModelRef, Warning
from app.domains.pets.base64text import Base64


class Picture(BaseModel):
    """A picture."""

    model_config = ConfigDict(strict=True, extra="forbid")

    image_b64: Base64 = Field(
        description="A JPEG, PNG or WebP picture as Base64 (standard or URL alphabet) or as a data URL."
    )
    _field: str = PrivateAttr(default="image_b64")

    @classmethod
    def uploaded(cls, data: bytes, field: str) -> "Picture":
        """Create a picture from uploaded bytes.

        Args:
            data: The file.
            field: Its location in the request, for errors.
        """
        picture = cls.model_construct(image_b64=data)
        picture._field = field
        return picture

    @property
    def data(self) -> bytes:
        """The file."""
        return self.image_b64

    @property
    def field(self) -> str:
        """Location in the request, for errors."""
        return self._field


class OlderPicture(Picture):
    """A picture in the format of the older service; other fields are ignored."""

    model_config = ConfigDict(strict=True, extra="ignore")


class Probabilities(TypedDict):
    """Probability of each pet; they add up to 1."""

    cat: float
    dog: float


class Pet(TypedDict):
    """The classification of a picture.

    `pet` is one of the two whatever the picture shows. The warning `neither` says that it probably shows something
    else; some pictures of something else get no warning.
    """

    pet: Literal["cat", "dog"]
    confidence: float
    probabilities: Probabilities
    model: ModelRef
    warnings: list[Warning]


class OlderPet(TypedDict):
    """The classification in the format of the older service, or its failure."""

    status: Literal["Success", "Failed"]
    pet_type: NotRequired[Literal["CAT", "DOG"]]
    model_conf: NotRequired[float]
    msg: NotRequired[str]
