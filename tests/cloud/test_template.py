"""serverless.yml: packaged offline, its CloudFormation checked by cfn-lint, and created in moto.

moto ignores HTTP APIs, bucket policies, triggers, alarms, deliveries, the catalogue, a stream's mode and what follows
failed calls; these are checked in the template itself, those of the platform in test_platform_template.py.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cloud.store import REGION, Store
from tests.cloud.template import of_type, permissions, template

pytest.importorskip("moto", reason="moto is not installed (requirements/cloud.txt); `tox -e function` installs it")

STACK = "beer-model-dev"
GENERATED = "W3005"
"""The cfn-lint rule against redundant dependencies, which osls writes."""


def test_the_cloudformation_template_passes_cfn_lint(packaged: Path) -> None:
    command = [str(Path(sys.executable).with_name("cfn-lint")), "--regions", REGION, "--ignore-checks", GENERATED]
    path = packaged / "packaged/cloudformation-template-update-stack.json"
    done = subprocess.run([*command, "--", str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_the_template_does_not_contain_the_key(packaged: Path, resources: dict[str, Any]) -> None:
    functions = of_type(resources, "AWS::Lambda::Function")
    variables = functions["HttpLambdaFunction"]["Environment"]["Variables"]
    assert variables["API_KEY"] == "{{resolve:secretsmanager:beer-model/api-key:SecretString}}"
    assert "API_KEY" not in functions["FilesLambdaFunction"]["Environment"]["Variables"]


def test_functions_run_on_arm64_and_the_runtime_they_are_built_for(resources: dict[str, Any]) -> None:
    functions = of_type(resources, "AWS::Lambda::Function")
    assert {f["Handler"] for f in functions.values()} == {
        "app.aws_lambda.http.handler",
        "app.aws_lambda.files.handler",
        "app.aws_lambda.poll.handler",
        "app.aws_lambda.transform.handler",
    }
    assert all((f["Runtime"], f["Architectures"]) == ("python3.12", ["arm64"]) for f in functions.values())
    groups = of_type(resources, "AWS::Logs::LogGroup")
    assert [group["RetentionInDays"] for group in groups.values()] == [30, 30, 30, 30]


def test_a_file_that_fails_three_times_is_sent_to_the_queue(resources: dict[str, Any]) -> None:
    config = of_type(resources, "AWS::Lambda::EventInvokeConfig")["FilesLambdaEvConf"]
    assert config["FunctionName"] == {"Ref": "FilesLambdaFunction"}
    assert config["DestinationConfig"] == {"OnFailure": {"Destination": {"Fn::GetAtt": ["FailedFiles", "Arn"]}}}
    assert config["MaximumRetryAttempts"] == 2


def test_every_route_of_the_http_api_leads_to_the_function(resources: dict[str, Any]) -> None:
    (route,) = of_type(resources, "AWS::ApiGatewayV2::Route").values()
    assert route["RouteKey"] == "$default"
    (integration,) = of_type(resources, "AWS::ApiGatewayV2::Integration").values()
    assert (integration["IntegrationType"], integration["PayloadFormatVersion"]) == ("AWS_PROXY", "2.0")


def test_output_files_trigger_no_function(resources: dict[str, Any]) -> None:
    bucket = of_type(resources, "AWS::S3::Bucket")["S3BucketBeers"]
    (trigger,) = bucket["NotificationConfiguration"]["LambdaConfigurations"]
    (rule,) = trigger["Filter"]["S3Key"]["Rules"]
    assert (trigger["Event"], rule["Name"], rule["Value"]) == ("s3:ObjectCreated:*", "prefix", "cleaned/")
    deliveries = of_type(resources, "AWS::KinesisFirehose::DeliveryStream").values()
    prefixes = [delivery["ExtendedS3DestinationConfiguration"]["Prefix"] for delivery in deliveries]
    assert sorted(prefix.partition("/")[0] for prefix in prefixes) == ["cleaned", "raw"]


def test_the_bucket_is_private_encrypted_and_accessible_over_tls_only(resources: dict[str, Any]) -> None:
    bucket = of_type(resources, "AWS::S3::Bucket")["S3BucketBeers"]
    assert all(bucket["PublicAccessBlockConfiguration"].values()) and bucket["BucketEncryption"]
    (policy,) = [
        resource for name, resource in of_type(resources, "AWS::S3::BucketPolicy").items() if name == "BeersOverTlsOnly"
    ]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "s3:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_queue_of_failed_files_is_encrypted_and_accessible_over_tls_only(resources: dict[str, Any]) -> None:
    (queue,) = of_type(resources, "AWS::SQS::Queue").values()
    (policy,) = of_type(resources, "AWS::SQS::QueuePolicy").values()
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert queue["SqsManagedSseEnabled"] and policy["Queues"] == [{"Ref": "FailedFiles"}]
    assert (statement["Effect"], statement["Principal"], statement["Action"]) == ("Deny", "*", "sqs:*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_each_role_has_only_the_permissions_it_needs(resources: dict[str, Any]) -> None:
    allowed = permissions(resources)
    write_logs = {"logs:CreateLogStream", "logs:PutLogEvents"}
    assert set(allowed["HttpRole"]) == write_logs
    assert set(allowed["FilesRole"]) == write_logs | {
        "s3:GetObject",
        "s3:PutObject",
        "s3:ListBucket",
        "sqs:SendMessage",
    }
    assert set(allowed) == {
        "HttpRole",
        "FilesRole",
        "PollRole",
        "TransformRole",
        "RawDeliveryRole",
        "CleanedDeliveryRole",
    }
    everything = json.dumps(allowed)
    assert '"*"' not in everything and "s3:::*" not in everything
    assert "/cleaned/*" in json.dumps(allowed["FilesRole"]["s3:GetObject"])
    assert "/results/*" in json.dumps(allowed["FilesRole"]["s3:PutObject"])


def test_alarms_have_a_target_and_watch_existing_resources(resources: dict[str, Any]) -> None:
    alarms = of_type(resources, "AWS::CloudWatch::Alarm")
    assert {(alarm["Namespace"], alarm["MetricName"]) for alarm in alarms.values()} == {
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
        ("AWS/Lambda", "Errors"),
        ("AWS/Lambda", "Throttles"),
        ("AWS/ApiGateway", "5xx"),
        ("AWS/Firehose", "DeliveryToS3.DataFreshness"),
        ("AWS/Events", "FailedInvocations"),
        ("AWS/Kinesis", "WriteProvisionedThroughputExceeded"),
        ("BeerModel", "Failed"),
    }
    for alarm in alarms.values():
        assert alarm["AlarmActions"] == [{"Ref": "Alarms"}]
        (dimension,) = alarm["Dimensions"]
        named = dimension["Value"].get("Ref") or dimension["Value"]["Fn::GetAtt"][0]
        assert named in resources


@pytest.fixture(scope="module")
def created(packaged: Path, moto: Store) -> Iterator[Store]:
    """The stack, created in moto in the order of osls: the bucket for artifacts, the artifact, the rest."""
    cloud = moto.client("cloudformation")
    cloud.create_stack(StackName=STACK, TemplateBody=json.dumps(template(packaged, "create")))
    complete = template(packaged)
    code = complete["Resources"]["HttpLambdaFunction"]["Properties"]["Code"]
    bucket = cloud.describe_stack_resource(StackName=STACK, LogicalResourceId=code["S3Bucket"]["Ref"])
    name = bucket["StackResourceDetail"]["PhysicalResourceId"]
    moto.client().put_object(Bucket=name, Key=code["S3Key"], Body=(packaged / "dist/function-arm64.zip").read_bytes())
    cloud.update_stack(
        StackName=STACK, TemplateBody=json.dumps(complete), Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]
    )
    yield moto


@pytest.mark.filterwarnings("ignore:Tried to parse .* not supported by moto:UserWarning")
def test_moto_creates_the_stack(created: Store) -> None:
    (stack,) = created.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    functions = {f["FunctionName"]: f for f in created.client("lambda").list_functions()["Functions"]}
    assert set(functions) == {f"beer-model-dev-{name}" for name in ("http", "files", "poll", "transform")}
    assert functions["beer-model-dev-files"]["Timeout"] == 300
    (queue,) = created.client("sqs").list_queues()["QueueUrls"]
    assert queue.endswith("beer-model-dev-failed-files")
    groups = created.client("logs").describe_log_groups()["logGroups"]
    assert {(group["logGroupName"], group["retentionInDays"]) for group in groups} == {
        (f"/aws/lambda/beer-model-dev-{name}", 30) for name in ("http", "files", "poll", "transform")
    }
    roles = {role["RoleName"] for role in created.client("iam").list_roles()["Roles"]}
    assert len(roles) == 6
    assert "beer-model-dev-beers" in created.client("kinesis").list_streams()["StreamNames"]
    events = created.client("events")
    (rule,) = events.list_rules()["Rules"]
    (target,) = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    assert target["Arn"].endswith(":function:beer-model-dev-poll")
    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(5 minutes)", "DISABLED")
    assert "beer-model-dev-beers" in {bucket["Name"] for bucket in created.client().list_buckets()["Buckets"]}
