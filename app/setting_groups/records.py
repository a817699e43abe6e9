"""Settings of the records of answered rows."""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from app.setting_groups.common import SettingGroup, check_source


def _check_record(text: str) -> str:
    kind, _, rate = text.partition(":")
    if text in ("off", "all") or (kind == "sample" and re.fullmatch(r"0?\.\d{1,9}|1(\.0*)?", rate) and float(rate)):
        return text
    raise ValueError("must be off, all, or sample:RATE with a rate above 0 and up to 1, such as sample:0.01")


def check_record_path(path: str) -> str:
    """Check a folder or a bucket of records."""
    if path.startswith("s3://"):
        return check_source(path)
    if not path or "://" in path:
        raise ValueError("must be a folder or s3://bucket/prefix")
    return path


class RecordSettings(SettingGroup):
    """The settings."""

    record: Annotated[str, AfterValidator(_check_record)] = Field(
        default="off",
        description="Which answered rows to record, with their inputs and outputs: `off`, `all`, or a share of the "
        "requests such as `sample:0.01`; see docs/records.md.",
    )
    record_path: Annotated[str, AfterValidator(check_record_path)] = Field(
        default="records", description="Where records are stored: a folder, or `s3://bucket/prefix`."
    )
    record_format: Literal["jsonl", "parquet"] = Field(
        default="jsonl",
        description="Format of the records: `jsonl`, or `parquet`, which needs `requirements/parquet.txt`.",
    )
    record_text: bool = Field(
        default=False, description="Also record the names of hops, malts, yeast and style, as the client sent them."
    )
    record_file_size: int = Field(
        default=64_000_000,
        ge=10_000,
        le=1_000_000_000,
        description="Size in bytes at which a new file of records begins.",
    )
    record_file_seconds: float = Field(
        default=3600, ge=1, le=604_800, description="Age in seconds at which a new file of records begins."
    )
    record_disk: int = Field(
        default=1_000_000_000,
        ge=100_000,
        description="Maximum size in bytes of all files of records in the folder; the oldest are deleted.",
    )
    record_spool: Path = Field(
        default=Path("record-spool"),
        description="Folder in which records wait for their upload if `RECORD_PATH` is a bucket.",
    )

    @property
    def record_rate(self) -> float:
        """Share of the requests whose rows are recorded; 0: none."""
        return {"off": 0.0, "all": 1.0}.get(self.record) or float(self.record.partition(":")[2] or 0)
