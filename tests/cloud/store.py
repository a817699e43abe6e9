"""An S3-compatible store, and tools that npm installed."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REGION = "eu-central-1"


@dataclass(frozen=True)
class Store:
    """A running S3-compatible store."""

    endpoint: str
    key: str
    secret: str

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables of a client of the store."""
        return {"AWS_ACCESS_KEY_ID": self.key, "AWS_SECRET_ACCESS_KEY": self.secret, "AWS_REGION": REGION}

    def client(self, service: str = "s3") -> Any:
        """Return the cloud's own client."""
        import boto3

        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=self.key,
            aws_secret_access_key=self.secret,
        )

    def make_bucket(self, name: str) -> None:
        """Create an empty bucket."""
        self.client().create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})

    def upload(self, folder: Path, bucket: str, prefix: str) -> None:
        """Upload the files of a folder under a prefix."""
        client = self.client()
        for path in folder.rglob("*"):
            if path.is_file():
                client.put_object(Bucket=bucket, Key=f"{prefix}/{path.relative_to(folder)}", Body=path.read_bytes())

    def read(self, bucket: str, key: str) -> bytes:
        """Return the bytes of an object."""
        data: bytes = self.client().get_object(Bucket=bucket, Key=key)["Body"].read()
        return data

    def keys(self, bucket: str) -> list[str]:
        """Return the names of the bucket's objects, sorted."""
        return sorted(item["Key"] for item in self.client().list_objects_v2(Bucket=bucket).get("Contents", ()))


def node_tool(name: str) -> str | None:
    """The path of a command that npm installed, by tox or on the search path; None if missing."""
    return shutil.which(name, path=os.environ.get("NODE_BIN")) or shutil.which(name)
