"""The pets domain's face: pictures to pixels, probabilities to cat or dog with warnings."""

from collections.abc import Sequence

from app.domains.api import Operation, Upload, Warning
from app.domains.pets.picture import PictureError, broken, opened
from app.domains.pets.pixels import Pixels, pixels
from app.domains.pets.schema import OlderPet, OlderPicture, Pet, Picture
from app.errors import InputError, Problem
from app.models.manager import ModelManager

MODEL = "cat-dog"
"""The bundle that answers."""
MEDIA_TYPES = ("image/jpeg", "image/png", "image/webp")
UNSURE = 0.8
"""Confidence below which the answer is doubted."""
NEITHER = 0.1
"""Mass that a pretrained backbone puts on cats and dogs below which a picture is probably of neither; docs/pets.md."""


class PetsApi:
    """Cat or dog."""

    models = (MODEL,)

    def __init__(self, manager: ModelManager) -> None:
        """Initialize the pets api.

        Args:
            manager: Runs the model.
        """
        self._manager = manager

    @property
    def operations(self) -> Sequence[Operation[Picture, Pet] | Operation[OlderPicture, OlderPet]]:
        """Tell cat from dog, in today's words or in those of the service before."""
        return (
            Operation(
                name="predict_pet",
                path="/pets/predict",
                summary="Tell a cat from a dog",
                description="A picture as the body, as the part `image` of a form, or as Base64 in JSON. What it shows "
                "is told by its contents, not by its name or type. It is taken to show one of the two: where it may "
                "be neither, a warning says so as far as the model can tell.",
                request=Picture,
                answer=Pet,
                answered="The pet",
                run=self.predict,
                size="file",
                slow=lambda picture: True,
                upload=Upload(MEDIA_TYPES, "image", Picture.uploaded),
            ),
            Operation(
                name="cat_dog_classification",
                path="/cat-dog_classification",
                summary="Tell a cat from a dog, in the words of an older service",
                description="For clients that know only this contract; failures are `Failed` with a reason and a 4xx "
                "or 5xx status, which used to be 200.",
                request=OlderPicture,
                answer=OlderPet,
                answered="The pet, and the confidence in percent",
                run=self.predict_older,
                size="file",
                slow=lambda picture: True,
                failure=_failed,
            ),
        )

    def predict(self, picture: Picture, version: str | None = None) -> Pet:
        """Cat or dog; takes milliseconds.

        Raises:
            InputError: The bytes are no picture that can be answered.
            ModelNotFound: The model has no such version.
            ModelNotReady: The model is not loaded yet.
        """
        served = self._manager.served(self.models[0], version)
        (image,) = served.manifest.inputs
        found, warnings = _seen(picture, image.shape[1])
        outputs = served.infer({image.name: found})
        cat, dog = outputs["probabilities"][0].tolist()
        if "mass" in outputs and float(outputs["mass"][0, 0]) < NEITHER:
            warnings.append({"code": "neither", "message": "This is probably a picture of neither a cat nor a dog."})
        elif max(cat, dog) < UNSURE:
            warnings.append({"code": "unsure", "message": "It may be the other one, or neither."})
        return {
            "pet": "cat" if cat > dog else "dog",
            "confidence": round(max(cat, dog), 4),
            "probabilities": {"cat": round(cat, 4), "dog": round(dog, 4)},
            "model": {"name": served.manifest.name, "version": served.manifest.version},
            "warnings": warnings,
        }

    def predict_older(self, picture: Picture, version: str | None = None) -> OlderPet:
        """Cat or dog in the older contract's words; see `predict`."""
        answer = self.predict(picture, version)
        return {
            "status": "Success",
            "pet_type": "CAT" if answer["pet"] == "cat" else "DOG",
            "model_conf": round(100 * answer["confidence"], 2),
        }


DOMAIN = PetsApi
"""What `app.domains.discovery` finds."""


def _seen(picture: Picture, size: int) -> tuple[Pixels, list[Warning]]:
    try:
        image, is_animated = opened(picture.data)
        try:
            found = pixels(image, size)
        except Exception as error:  # Pillow's decoders let slip whatever their parsers meet
            raise broken() from error
    except PictureError as error:
        raise InputError([Problem(picture.field, error.code, error.reason)]) from None
    warnings: list[Warning] = []
    if is_animated:
        warnings.append({"code": "animated", "message": "The picture moves; its first frame is what was looked at."})
    return found, warnings


def _failed(reason: str) -> OlderPet:
    return {"status": "Failed", "msg": reason}
