"""Settings of labels."""

from pydantic import Field

from app.setting_groups.common import SettingGroup


class LabelSettings(SettingGroup):
    """The settings."""

    feedback_enabled: bool = Field(
        default=False,
        description="Take labels at `POST /feedback` (what the bitterness of a beer was), from keys with the scope "
        "`feedback`, and keep them in `RECORD_PATH`; see docs/labels.md.",
    )
    feedback_path: str = Field(
        default="", description="Folder of labels, for example where `RECORD_PATH` is a bucket. Empty: `RECORD_PATH`."
    )
    feedback_max_labels: int = Field(
        default=100_000,
        ge=1_000,
        le=1_000_000,
        description="Number of labels that are kept; the oldest sixteenth is deleted where there are more.",
    )
    feedback_max_bytes: int = Field(
        default=100_000_000,
        ge=10_000_000,
        le=10_000_000_000,
        description="Size of the files of labels in bytes; the oldest sixteenth is deleted where they are larger.",
    )
    feedback_max_days: float = Field(
        default=730, ge=1, le=36_500, description="Days after which a file of labels is deleted."
    )
    feedback_window_days: float = Field(
        default=90, ge=1, le=36_500, description="Days of which labels count for the metrics of online quality."
    )
