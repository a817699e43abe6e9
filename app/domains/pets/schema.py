"""What the pets domain is asked and answers."""

from typing import Literal, NotRequired

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr
from typing_extensions import TypedDict

from app.domains.api import ModelRef, Warning
from app.domains.pets.base64text import Base64


class Picture(BaseModel):
    """A picture."""

    model_config = ConfigDict(strict=True, extra="forbid")

    image_b64: Base64 = Field(description="A JPEG, PNG or WebP picture as Base64, of either alphabet, or a data URL.")
    _field: str = PrivateAttr(default="image_b64")

    @classmethod
    def uploaded(cls, data: bytes, field: str) -> "Picture":
        """A picture that came as bytes.

        Args:
            data: The file.
            field: Where it stood in the request.
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
        """Where it stood in the request, for errors."""
        return self._field


class OlderPicture(Picture):
    """A picture as the older contract has it; what else stands beside it is not read."""

    model_config = ConfigDict(strict=True, extra="ignore")


class Probabilities(TypedDict):
    """How likely each pet is, of these two; together 1."""

    cat: float
    dog: float


class Pet(TypedDict):
    """The answer."""

    pet: Literal["cat", "dog"]
    confidence: float
    probabilities: Probabilities
    model: ModelRef
    warnings: list[Warning]


class OlderPet(TypedDict):
    """The answer of the older contract, or its failure."""

    status: Literal["Success", "Failed"]
    pet_type: NotRequired[Literal["CAT", "DOG"]]
    model_conf: NotRequired[float]
    msg: NotRequired[str]
