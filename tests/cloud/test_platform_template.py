"""The platform in serverless.yml, field by field: moto creates its stream and its schedule alone."""

from pathlib import Path
from typing import Any

import pytest

from tests.cloud.store import node_tool
from tests.cloud.template import of_type, package, permissions, template

WRITE_LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}
READ_STREAM = {"kinesis:DescribeStream", "kinesis:GetShardIterator", "kinesis:GetRecords", "kinesis:ListShards"}
READ_BUCKET = {"s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"}
WRITE_OBJECTS = {"s3:PutObject", "s3:AbortMultipartUpload"}
STREAM = {"Fn::GetAtt": ["BeerStream", "Arn"]}


def objects(*prefixes: str) -> list[dict[str, str]]:
    return [{"Fn::Sub": f"arn:${{AWS::Partition}}:s3:::beer-model-dev-beers/{prefix}/*"} for prefix in prefixes]


def test_the_schedule_is_off_until_it_is_asked_for(resources: dict[str, Any], tmp_path: Path) -> None:
    (rule,) = of_type(resources, "AWS::Events::Rule").values()
    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(5 minutes)", "DISABLED")
    (target,) = rule["Targets"]
    assert target["Arn"] == {"Fn::GetAtt": ["PollLambdaFunction", "Arn"]}
    options = [f"--param={each}" for each in ("poll=true", "api=https://punkapi.example/v2", "beers=all")]
    asked = template(package(node_tool("osls") or "", tmp_path, *options))["Resources"]
    (rule,) = of_type(asked, "AWS::Events::Rule").values()
    assert rule["State"] == "ENABLED"
    variables = of_type(asked, "AWS::Lambda::Function")["PollLambdaFunction"]["Environment"]["Variables"]
    assert variables == {
        "LOG_LEVEL": "INFO",
        "BEER_API": "https://punkapi.example/v2",
        "BEER_API_BEERS": "all",
        "BEER_STREAM": {"Ref": "BeerStream"},
    }


def test_a_poll_ends_before_the_next_one_and_is_not_repeated(resources: dict[str, Any]) -> None:
    function = of_type(resources, "AWS::Lambda::Function")["PollLambdaFunction"]
    assert function["Timeout"] < 300
    config = of_type(resources, "AWS::Lambda::EventInvokeConfig")["PollLambdaEvConf"]
    assert (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]) == (0, 300)


def test_the_stream_grows_by_itself_keeps_a_day_and_is_encrypted(resources: dict[str, Any]) -> None:
    (stream,) = of_type(resources, "AWS::Kinesis::Stream").values()
    assert stream == {
        "Name": "beer-model-dev-beers",
        "StreamModeDetails": {"StreamMode": "ON_DEMAND"},
        "RetentionPeriodHours": 24,
        "StreamEncryption": {"EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"},
    }


@pytest.mark.parametrize("name", ["Raw", "Cleaned"])
def test_a_delivery_reads_the_stream_and_writes_days_of_compressed_lines(resources: dict[str, Any], name: str) -> None:
    delivery = of_type(resources, "AWS::KinesisFirehose::DeliveryStream")[f"{name}Delivery"]
    role = {"Fn::GetAtt": [f"{name}DeliveryRole", "Arn"]}
    assert delivery["DeliveryStreamType"] == "KinesisStreamAsSource"
    assert delivery["KinesisStreamSourceConfiguration"] == {"KinesisStreamARN": STREAM, "RoleARN": role}
    target = delivery["ExtendedS3DestinationConfiguration"]
    assert (target["RoleARN"], target["CompressionFormat"]) == (role, "GZIP")
    assert target["Prefix"] == f"{name.lower()}/day=!{{timestamp:yyyy-MM-dd}}/"
    assert target["ErrorOutputPrefix"].startswith(f"undelivered/{name.lower()}/!{{firehose:error-output-type}}/")
    assert target["BucketARN"] == {"Fn::GetAtt": ["S3BucketBeers", "Arn"]}


def test_raw_records_are_lines_and_cleaned_ones_pass_the_transform_function(resources: dict[str, Any]) -> None:
    deliveries = of_type(resources, "AWS::KinesisFirehose::DeliveryStream")
    (raw,), (cleaned,) = (
        deliveries[name]["ExtendedS3DestinationConfiguration"]["ProcessingConfiguration"]["Processors"]
        for name in ("RawDelivery", "CleanedDelivery")
    )
    assert raw == {
        "Type": "AppendDelimiterToRecord",
        "Parameters": [{"ParameterName": "Delimiter", "ParameterValue": "\\n"}],
    }
    assert cleaned["Type"] == "Lambda"
    assert {each["ParameterName"]: each["ParameterValue"] for each in cleaned["Parameters"]} == {
        "LambdaArn": {"Fn::GetAtt": ["TransformLambdaFunction", "Arn"]},
        "RoleArn": {"Fn::GetAtt": ["CleanedDeliveryRole", "Arn"]},
        "NumberOfRetries": "3",
        "BufferSizeInMBs": "1",
        "BufferIntervalInSeconds": "60",
    }
    function = of_type(resources, "AWS::Lambda::Function")["TransformLambdaFunction"]
    assert function["Timeout"] <= 300  # a delivery waits no longer
    assert function["Environment"]["Variables"]["CLEANED_LABELS"] == "required"


def test_each_part_has_the_permissions_it_needs_and_no_others(resources: dict[str, Any]) -> None:
    allowed = permissions(resources)
    assert set(allowed["PollRole"]) == WRITE_LOGS | {"kinesis:PutRecords"}
    assert allowed["PollRole"]["kinesis:PutRecords"] == STREAM
    assert set(allowed["TransformRole"]) == WRITE_LOGS
    assert set(allowed["RawDeliveryRole"]) == READ_STREAM | READ_BUCKET | WRITE_OBJECTS
    calls = {"lambda:InvokeFunction", "lambda:GetFunctionConfiguration"}
    assert set(allowed["CleanedDeliveryRole"]) == READ_STREAM | READ_BUCKET | WRITE_OBJECTS | calls
    for name in ("raw", "cleaned"):
        role = allowed[f"{name.capitalize()}DeliveryRole"]
        assert all(role[action] == objects(name, f"undelivered/{name}") for action in WRITE_OBJECTS)
        assert all(role[action] == STREAM for action in READ_STREAM)
    function, version = allowed["CleanedDeliveryRole"]["lambda:InvokeFunction"]
    assert function == {"Fn::GetAtt": ["TransformLambdaFunction", "Arn"]}
    assert version == {"Fn::Sub": "${TransformLambdaFunction.Arn}:$LATEST"}
    for name in ("RawDeliveryRole", "CleanedDeliveryRole"):
        (trust,) = of_type(resources, "AWS::IAM::Role")[name]["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "firehose.amazonaws.com"}
        assert trust["Condition"] == {"StringEquals": {"sts:ExternalId": {"Ref": "AWS::AccountId"}}}


def test_every_part_has_an_alarm(resources: dict[str, Any]) -> None:
    alarms = of_type(resources, "AWS::CloudWatch::Alarm").values()
    watched = {(alarm["MetricName"], str(dimension["Value"])) for alarm in alarms for dimension in alarm["Dimensions"]}
    assert {
        ("FailedInvocations", "{'Ref': 'PollEventsRuleSchedule1'}"),
        ("Errors", "{'Ref': 'PollLambdaFunction'}"),
        ("Errors", "{'Ref': 'TransformLambdaFunction'}"),
        ("Failed", "{'Ref': 'TransformLambdaFunction'}"),
        ("WriteProvisionedThroughputExceeded", "{'Ref': 'BeerStream'}"),
        ("DeliveryToS3.DataFreshness", "{'Ref': 'RawDelivery'}"),
        ("DeliveryToS3.DataFreshness", "{'Ref': 'CleanedDelivery'}"),
    } <= watched


@pytest.mark.parametrize(("name", "folder"), [("raw", "raw"), ("cleaned", "cleaned"), ("results", "results/cleaned")])
def test_partitions_follow_from_the_names_of_folders(resources: dict[str, Any], name: str, folder: str) -> None:
    table = of_type(resources, "AWS::Glue::Table")[f"{name.capitalize()}Table"]
    assert table["DatabaseName"] == {"Ref": "Catalogue"}
    described = table["TableInput"]
    assert (described["Name"], described["TableType"]) == (name, "EXTERNAL_TABLE")
    assert described["StorageDescriptor"]["Location"] == f"s3://beer-model-dev-beers/{folder}/"
    parameters = described["Parameters"]
    assert parameters["storage.location.template"] == f"s3://beer-model-dev-beers/{folder}/day=${{day}}/"
    assert {key: value for key, value in parameters.items() if key.startswith("projection.")} == {
        "projection.enabled": "true",
        "projection.day.type": "date",
        "projection.day.format": "yyyy-MM-dd",
        "projection.day.range": "2026-01-01,NOW",
        "projection.day.interval": "1",
        "projection.day.interval.unit": "DAYS",
    }
    assert [(key["Name"], key["Type"]) for key in described["PartitionKeys"]] == [("day", "string")]
    assert not of_type(resources, "AWS::Glue::Crawler")


def test_queries_write_encrypted_results_and_read_at_most_a_gigabyte(resources: dict[str, Any]) -> None:
    (group,) = of_type(resources, "AWS::Athena::WorkGroup").values()
    settings = group["WorkGroupConfiguration"]
    assert settings["EnforceWorkGroupConfiguration"] and settings["BytesScannedCutoffPerQuery"] == 10**9
    assert settings["ResultConfiguration"] == {
        "OutputLocation": "s3://beer-model-dev-beers/queries/",
        "EncryptionConfiguration": {"EncryptionOption": "SSE_S3"},
    }
