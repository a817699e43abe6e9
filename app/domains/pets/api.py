"""The domain API of pets: cat or dog, with probabilities and warnings."""

from collections.abc import Sequence
from typing import Literal

from app.bundle.manifest import Manifest
from app.domains.api import DomainApi, Operation, Upload, Warning
from app.domains.pets.metrics import PetsMetrics
from app.domains.pets.picture import PictureError, decoded_bytes, open_picture, unreadable
from app.domains.pets.pixels import Pixels, pixels
from app.domains.pets.schema import OlderPet, OlderPicture, Pet, Picture
from app.errors import InputError, Problem
from app.models.loaded import Prepared
from app.telemetry.metrics import Registry

MODEL = "cat-dog"
"""Bundle that classifies."""
MEDIA_TYPES = ("image/jpeg", "image/png", "image/webp")
ALIASES = ("image/jpg", "image/pjpeg", "image/x-png", "image/x-webp", "application/octet-stream")
"""Names that clients give these files: those of older browsers and libraries, and that of a file of any type."""
UNSURE = 0.8
"""Confidence below which the response warns."""
NEITHER = 0.1
"""Value of the output ``mass`` below which a picture probably shows neither; see docs/pets.md."""


class PetsApi(DomainApi):
    """Cat or dog."""

    models = (MODEL,)

    @classmethod
    def prepare(cls, manifest: Manifest, metrics: Registry) -> Prepared:
        """Build a version's metrics; see `DomainApi.prepare`."""
        return {PetsMetrics: PetsMetrics(metrics, manifest)}

    @property
    def operations(self) -> Sequence[Operation[Picture, Pet] | Operation[OlderPicture, OlderPet]]:
        """Classify a picture, in the current response format or in that of the older service."""
        return (
            Operation(
                name="predict_pet",
                path="/pets/predict",
                summary="Tell a cat from a dog",
                description="The picture is the body, the part `image` of a form, or Base64 in JSON. Its format is "
                "detected from its contents; the file name is ignored, and application/octet-stream is accepted as "
                "well. `pet` is one of the two whatever the picture shows: the warning `neither` says that it probably "
                "shows something else, but some pictures of something else get none, above all portraits and other "
                "furry animals.",
                request=Picture,
                answer=Pet,
                answered="The pet",
                run=self.predict,
                size="file",
                slow=lambda picture: True,
                cost=_decoded_bytes,
                upload=Upload(MEDIA_TYPES, "image", Picture.uploaded, ALIASES),
            ),
            Operation(
                name="cat_dog_classification",
                path="/cat-dog_classification",
                summary="Tell a cat from a dog, in the format of an older service",
                description="For clients that know only this format. A failure is `Failed` with a reason; its status, "
                "which used to be 200, is 4xx or 5xx. This format has no warnings: a picture of neither "
                "is answered as the pet that it resembles more.",
                request=OlderPicture,
                answer=OlderPet,
                answered="The pet, and the confidence in percent",
                run=self.predict_older,
                size="file",
                slow=lambda picture: True,
                cost=_decoded_bytes,
                failure=_failed,
            ),
        )

    def predict(self, picture: Picture, version: str | None = None) -> Pet:
        """Classify a picture; takes milliseconds.

        Raises:
            InputError: If the bytes are not a valid picture.
            ModelNotFound: If the version does not exist.
            ModelNotReady: If the model is not loaded.
        """
        loaded = self._manager.get(self.models[0], version)
        (image,) = loaded.manifest.inputs
        values, warnings = _pixels(picture, image.shape[1])
        outputs = loaded.infer({image.name: values})
        cat, dog = outputs["probabilities"][0].tolist()
        if not (0.0 <= cat <= 1.0 and 0.0 <= dog <= 1.0):  # false for NaN as well
            raise loaded.invalid_output("probabilities")
        if "mass" in outputs and not float(outputs["mass"][0, 0]) >= 0.0:
            raise loaded.invalid_output("mass")
        if "mass" in outputs and float(outputs["mass"][0, 0]) < NEITHER:
            warnings.append({"code": "neither", "message": "The picture probably shows neither a cat nor a dog."})
        elif max(cat, dog) < UNSURE:
            warnings.append(
                {"code": "unsure", "message": "The model is unsure: the picture may show the other animal, or neither."}
            )
        pet: Literal["cat", "dog"] = "cat" if cat > dog else "dog"
        loaded.prepared(PetsMetrics).count(pet, warnings)
        return {
            "pet": pet,
            "confidence": round(max(cat, dog), 4),
            "probabilities": {"cat": round(cat, 4), "dog": round(dog, 4)},
            "model": {"name": loaded.manifest.name, "version": loaded.manifest.version},
            "warnings": warnings,
        }

    def predict_older(self, picture: Picture, version: str | None = None) -> OlderPet:
        """Classify a picture, in the format of the older service; see `predict`."""
        answer = self.predict(picture, version)
        return {
            "status": "Success",
            "pet_type": "CAT" if answer["pet"] == "cat" else "DOG",
            "model_conf": round(100 * answer["confidence"], 2),
        }


DOMAIN = PetsApi
"""Class that `app.domains.discovery` finds."""


def _pixels(picture: Picture, size: int) -> tuple[Pixels, list[Warning]]:
    try:
        image, is_animated, orientation = open_picture(picture.data)
        try:
            values = pixels(image, size, orientation)
        except Exception as error:  # Pillow's decoders raise exceptions of many types for broken files
            raise unreadable() from error
    except PictureError as error:
        raise InputError([Problem(picture.field, error.code, error.reason)]) from None
    warnings: list[Warning] = []
    if is_animated:
        warnings.append({"code": "animated", "message": "Only the first frame of the animation was classified."})
    return values, warnings


def _decoded_bytes(picture: Picture) -> int:
    return decoded_bytes(picture.data)


def _failed(reason: str) -> OlderPet:
    return {"status": "Failed", "msg": reason}
