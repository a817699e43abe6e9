"""The rollout ``<root>/<name>/ROLLOUT``: a version that is tried beside the active one, as its shadow or canary.

The file is one JSON object. It says which version is tried, on what share of the calls, and what stops it. Once the
server has stopped it, the file keeps the reason until the next command.
"""

import secrets
from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from app.bundle.files import read_file
from app.bundle.manifest import Version
from app.bundle.pointer import activate, locked, write_atomically
from app.bundle.store import flush_folder
from app.errors import BundleError

ROLLOUT = "ROLLOUT"
MAX_ROLLOUT_BYTES = 4096
"""Maximum size of the file."""
WINDOW = 100
"""Number of runs over which the bounds hold, unless the command says otherwise."""
MAX_WINDOW = 10_000
"""Maximum number of runs over which the bounds hold."""

Mode = Literal["shadow", "canary"]
Bound = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class RolloutSpec(BaseModel):
    """The contents of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: str = Field(default="", pattern=r"^[0-9a-f]{0,16}$")
    """Identifies this rollout, see `new_id`; a file that was written by hand may lack it."""
    mode: Mode
    """``shadow``: the version runs on copies of the inputs; ``canary``: it answers a share of the calls."""
    version: Version
    """The candidate."""
    share: float = Field(gt=0, le=1)
    """Share of the model's runs that the shadow repeats, or of the calls that the canary answers."""
    sticky: str = Field(default="", pattern=r"^(|key|header:[a-z0-9-]{1,64})$")
    """What keeps a caller on one side: ``key``, the id of the API key; ``header:NAME``, the value of a header; empty:
    each call is drawn by itself."""
    max_difference: Bound | None = None
    """Maximum mean of the absolute differences of a window, in the output's unit; None: no bound."""
    max_latency: Bound | None = None
    """Maximum mean duration of a run, seconds; None: no bound."""
    max_errors: int = Field(default=0, ge=0)
    """Maximum number of failed runs of a window."""
    window: int = Field(default=WINDOW, ge=1, le=MAX_WINDOW)
    """Number of runs over which the bounds hold, in each worker."""
    stopped: str = Field(default="", max_length=500, pattern=r"^[ -~]*$")
    """Why the server has stopped the rollout, in plain ASCII; empty while it runs."""

    @model_validator(mode="after")
    def _fits_mode(self) -> Self:
        if self.sticky and self.mode != "canary":
            raise ValueError("only a canary is sticky")
        return self

    @property
    def summary(self) -> str:
        """The rollout in a few words, for lists."""
        sticky = f" by {self.sticky.replace(':', ' ')}" if self.sticky else ""
        words = f"{self.mode}, share {self.share:g}{sticky}"
        return f"{words}, stopped: {self.stopped}" if self.stopped else words


def new_id() -> str:
    """Return an id for a new rollout."""
    return secrets.token_hex(8)


def _id_of(text: bytes, modified: int) -> str:
    """Return the id of a rollout whose file was written by hand; another one once the file is written again."""
    return blake2b(text, digest_size=8, key=str(modified).encode()).hexdigest()


def read_rollout(root: Path, name: str) -> RolloutSpec | None:
    """Read a model's rollout; None if there is none.

    Raises:
        BundleError: If the file cannot be read, or is invalid.
    """
    path = root / name / ROLLOUT
    try:
        text = read_file(path, MAX_ROLLOUT_BYTES, follow=True)
        spec = RolloutSpec.model_validate_json(text)
        return spec if spec.id else spec.model_copy(update={"id": _id_of(text, path.stat().st_mtime_ns)})
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise BundleError(f"{path}: cannot be read: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise BundleError(f"{path}: {'.'.join(map(str, first['loc'])) or 'the file'}: {first['msg']}") from None


def write_rollout(root: Path, name: str, spec: RolloutSpec) -> None:
    """Begin a rollout, in place of the one before.

    Raises:
        BundleError: If the file cannot be written.
    """
    with locked(root / name):
        _write(root, name, spec)


def stop_rollout(root: Path, name: str, id: str, reason: str) -> None:
    """Write why a rollout has been stopped, unless another one has begun or ended it meanwhile.

    Args:
        root: Folder of bundles.
        name: Name of the model.
        id: The rollout's id.
        reason: Why it has been stopped.

    Raises:
        BundleError: If the file cannot be read or written.
    """
    with locked(root / name):
        spec = read_rollout(root, name)
        if spec is not None and spec.id == id and not spec.stopped:
            _write(root, name, spec.model_copy(update={"stopped": reason}))


def promote(root: Path, name: str, spec: RolloutSpec) -> None:
    """Make a rollout's version the active one, and end the rollout.

    Args:
        root: Folder of bundles.
        name: Name of the model.
        spec: The rollout.

    Raises:
        BundleError: If the rollout has been stopped or ended meanwhile, or the folder cannot be written.
    """

    def check() -> None:
        present = read_rollout(root, name)
        if present is None or present.id != spec.id:
            raise BundleError(f"{root / name}: the rollout of version {spec.version} has been ended meanwhile")
        if present.stopped:
            raise BundleError(f"{root / name}: version {spec.version} was stopped: {present.stopped}")

    activate(root, name, spec.version, check)
    end_rollout(root, name, spec)


def end_rollout(root: Path, name: str, spec: RolloutSpec | None = None) -> None:
    """Remove a model's rollout; without one, nothing happens.

    Args:
        root: Folder of bundles.
        name: Name of the model.
        spec: The rollout to end, while another one is left alone; None: whichever it is, even if its file is invalid.

    Raises:
        BundleError: If the file cannot be removed.
    """
    path = root / name / ROLLOUT
    with locked(root / name):
        if spec is not None:
            present = read_rollout(root, name)
            if present is None or present.id != spec.id:
                return
        try:
            path.unlink(missing_ok=True)
            flush_folder(path.parent)
        except OSError as error:
            raise BundleError(f"{path}: cannot be removed: {error.strerror}") from None


def _write(root: Path, name: str, spec: RolloutSpec) -> None:
    text = spec.model_dump_json(indent=1, exclude_none=True)
    write_atomically(root / name / ROLLOUT, text.encode("ascii", "replace").decode("ascii") + "\n")
