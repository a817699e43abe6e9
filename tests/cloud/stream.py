"""A stream in moto."""

import time
from typing import Any

from tests.cloud.store import Store


def make_stream(moto: Store, name: str) -> None:
    """Create a stream and wait until it is there."""
    client = moto.client("kinesis")
    client.create_stream(StreamName=name, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    end = time.monotonic() + 30
    while client.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamStatus"] != "ACTIVE":
        if time.monotonic() > end:
            raise TimeoutError(name)
        time.sleep(0.01)


def read_stream(moto: Store, name: str) -> list[dict[str, Any]]:
    """Return all records of a stream from its beginning, shard by shard, as a consumer gets them."""
    client = moto.client("kinesis")
    found: list[dict[str, Any]] = []
    for shard in client.list_shards(StreamName=name)["Shards"]:
        place = client.get_shard_iterator(StreamName=name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")[
            "ShardIterator"
        ]
        while place:
            answer = client.get_records(ShardIterator=place, Limit=1000)
            found += answer["Records"]
            place = answer.get("NextShardIterator") if answer["Records"] else None
    return found
