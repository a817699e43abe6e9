"""The catalogue of serverless.yml in moto, and queries of its tables as Athena answers them, with DuckDB."""

import re
from pathlib import Path
from typing import Any

from tests.cloud.store import Store
from tests.cloud.template import of_type

DATABASE = "beer_model_dev"
_TYPES = {"string": "VARCHAR", "double": "DOUBLE", "bigint": "BIGINT"}
_ARRAY, _STRUCT = re.compile(r"array<(.*)>"), re.compile(r"struct<(.*)>")


def create_catalogue(moto: Store, resources: dict[str, Any]) -> None:
    """Create the database and its tables as the template describes them; the client checks the shapes."""
    glue = moto.client("glue")
    (database,) = of_type(resources, "AWS::Glue::Database").values()
    glue.create_database(DatabaseInput=database["DatabaseInput"])
    for table in of_type(resources, "AWS::Glue::Table").values():
        glue.create_table(DatabaseName=database["DatabaseInput"]["Name"], TableInput=table["TableInput"])


def create_deliveries(moto: Store, resources: dict[str, Any]) -> list[dict[str, Any]]:
    """Create the deliveries as the template describes them; return what moto then says of them."""
    firehose = moto.client("firehose")
    found = []
    for each in of_type(resources, "AWS::KinesisFirehose::DeliveryStream").values():
        target = each["ExtendedS3DestinationConfiguration"]
        firehose.create_delivery_stream(
            DeliveryStreamName=each["DeliveryStreamName"],
            DeliveryStreamType=each["DeliveryStreamType"],
            KinesisStreamSourceConfiguration=_resolved(each["KinesisStreamSourceConfiguration"]),
            ExtendedS3DestinationConfiguration=_resolved(target),
        )
        described = firehose.describe_delivery_stream(DeliveryStreamName=each["DeliveryStreamName"])
        found.append(described["DeliveryStreamDescription"])
    return found


def _resolved(value: Any) -> Any:
    """Replace references to other resources by ARNs, with the names of the parameters that the API has."""
    if isinstance(value, dict) and "Fn::GetAtt" in value:
        return f"arn:aws:any:eu-central-1:123456789012:{value['Fn::GetAtt'][0]}"
    if isinstance(value, dict):
        return {key: _resolved(inner) for key, inner in value.items()}
    return [_resolved(inner) for inner in value] if isinstance(value, list) else value


class Catalogue:
    """Tables over a bucket's objects."""

    def __init__(self, moto: Store, bucket: str, folder: Path) -> None:
        """Copy the objects and make a view of each table.

        Args:
            moto: moto's server, which has the tables.
            bucket: The bucket; the tables name another one.
            folder: Folder for the copies.
        """
        import duckdb

        self._database = duckdb.connect()
        self._keys = moto.keys(bucket)
        for key in self._keys:
            path = folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(moto.read(bucket, key))
        for table in moto.client("glue").get_tables(DatabaseName=DATABASE)["TableList"]:
            self._add(table, folder)

    def _add(self, table: dict[str, Any], folder: Path) -> None:
        stored, parameters = table["StorageDescriptor"], table["Parameters"]
        prefix = stored["Location"].removeprefix("s3://").partition("/")[2]
        template = parameters["storage.location.template"].removeprefix("s3://").partition("/")[2]
        days = {match[1] for key in self._keys if (match := re.match(rf"{prefix}day=(\d{{4}}-\d\d-\d\d)/", key))}
        projected = [template.replace("${day}", day) for day in sorted(days)]
        # what no partition projects, Athena does not see
        assert all(key.startswith(tuple(projected)) for key in self._keys if key.startswith(prefix))
        files = [str(folder / key) for key in self._keys if key.startswith(tuple(projected))]
        columns = {column["Name"]: _type(column["Type"]) for column in stored["Columns"]}
        serde = stored["SerdeInfo"]["SerializationLibrary"]
        if serde.endswith("JsonSerDe"):
            read = f"read_json({files}, format='newline_delimited', columns={columns}, hive_partitioning=true)"
        else:
            assert serde.endswith("LazySimpleSerDe") and list(columns) == ["record"]
            read = (
                f"read_csv({files}, auto_detect=false, header=false, delim='\\x01', quote='', escape='', "
                f"columns={columns}, hive_partitioning=true, hive_types={{'day': VARCHAR}}, strict_mode=false, "
                "ignore_errors=true)"
            )
        self._database.execute(f"CREATE VIEW {table['Name']} AS SELECT * FROM {read}")  # noqa: S608

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        found: list[tuple[Any, ...]] = self._database.sql(query).fetchall()
        return found


def _type(hive: str) -> str:
    """Return a type of the catalogue as DuckDB writes it."""
    if hive in _TYPES:
        return _TYPES[hive]
    if match := _ARRAY.fullmatch(hive):
        return f"{_type(match[1])}[]"
    match = _STRUCT.fullmatch(hive)
    assert match, hive
    fields = [field.partition(":") for field in match[1].split(",")]
    return f"STRUCT({', '.join(f'{name} {_type(kind)}' for name, _, kind in fields)})"
