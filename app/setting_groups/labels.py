"""Settings of labels."""

from pydantic import Field

from app.setting_groups.common import SettingGroup


class LabelSettings(SettingGroup):
    """The settings."""

    feedback_enabled: bool = Field(
        default=False,
        description="Accept labels (the known bitterness of beers) at `POST /feedback`, from keys with the scope "
        "`feedback`, and store them in `RECORD_PATH`; see docs/labels.md.",
    )
    feedback_path: str = Field(
        default="", description="Folder of labels, for example if `RECORD_PATH` is a bucket. Empty: `RECORD_PATH`."
    )
    feedback_max_labels: int = Field(
        default=100_000,
        ge=1_000,
        le=1_000_000,
        description="Maximum number of labels; beyond it the oldest sixteenth is deleted.",
    )
    feedback_max_bytes: int = Field(
        default=100_000_000,
        ge=10_000_000,
        le=10_000_000_000,
        description="Maximum size of the files of labels in bytes; beyond it the oldest sixteenth is deleted.",
    )
    feedback_max_days: float = Field(
        default=730, ge=1, le=36_500, description="Days after which a file of labels is deleted."
    )
    feedback_window_days: float = Field(
        default=90, ge=1, le=36_500, description="Number of days whose labels count for the metrics of online quality."
    )
