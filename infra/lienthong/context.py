"""Which stack a command talks to, and the clients for it.

Order: `--outputs FILE`; else `--profile`, `--region` or `--stack-name` (the outputs are read
from CloudFormation); else `.local/outputs.json`, which `make up` writes. The endpoint is the
one in the outputs file, else `AWS_ENDPOINT_URL`, else, for a file whose queue is not on AWS,
the one that localstack-client knows.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from infra.lienthong.problems import Misuse, Problem, Unreachable

if TYPE_CHECKING:
    from boto3 import Session
    from botocore.config import Config
    from botocore.exceptions import ClientError
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

LOCAL_OUTPUTS: Final = Path(".local/outputs.json")
DEFAULT_STACK: Final = "lienthong"
HOW_TO_START: Final = (
    "Start the local stack with `make up`, or name a stack on AWS with --profile, --region and "
    "--stack-name."
)
_DENIED: Final = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AuthorizationError",
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_ABSENT: Final = frozenset(
    {
        "AWS.SimpleQueueService.NonExistentQueue",
        "NoSuchBucket",
        "QueueDoesNotExist",
        "ResourceNotFoundException",
    }
)


@dataclass(frozen=True)
class Stack:
    """A deployed stack: its template outputs, and how to reach it."""

    outputs: Mapping[str, str]
    described_by: str
    region: str | None = None
    endpoint: str | None = None
    profile: str | None = None
    emulated: bool = False
    """On an emulator that `make up` set up: signed as its administrator, as `make up` did."""
    parameters: Mapping[str, str] | None = None
    """The template's parameters; None where only the outputs are known."""

    def output(self, name: str) -> str:
        """The template output `name`; `Unreachable` when the stack has none of that name."""
        try:
            return self.outputs[name]
        except KeyError:
            raise Unreachable(
                f"{self.described_by} has no output {name}. Deploy the present template again "
                "(`make up` on this machine)."
            ) from None

    @property
    def is_local(self) -> bool:
        """Whether it is one machine's own, which takes events from any sender."""
        return self.emulated or (self.parameters or {}).get("Stage") == "local"

    @cached_property
    def _session(self) -> Session:
        return _session(self.profile, self.region, emulated=self.emulated)

    @cached_property
    def sqs(self) -> SQSClient:
        """A client for the queues; shared by threads."""
        return self._session.client("sqs", endpoint_url=self.endpoint, config=_config())

    @cached_property
    def dynamodb(self) -> DynamoDBClient:
        """A client for the tables."""
        return self._session.client("dynamodb", endpoint_url=self.endpoint, config=_config())

    @cached_property
    def s3(self) -> S3Client:
        """A client for the quarantine bucket."""
        return self._session.client("s3", endpoint_url=self.endpoint, config=_config())

    def identity(self) -> Mapping[str, str]:
        """Who the stack takes us for: `Arn`, and `UserId` (the IAM unique id up to a colon)."""
        client = self._session.client("sts", endpoint_url=self.endpoint, config=_config())
        answer = client.get_caller_identity()
        return {"Arn": answer["Arn"], "UserId": answer["UserId"]}


def add_stack_options(parser: argparse.ArgumentParser) -> None:
    """The options by which every command that talks to a stack finds it."""
    group = parser.add_argument_group("which stack")
    group.add_argument(
        "--outputs",
        type=Path,
        metavar="FILE",
        help=f"outputs of a stack as JSON (default: {LOCAL_OUTPUTS}, if it exists)",
    )
    group.add_argument("--profile", help="AWS profile; reads the outputs from CloudFormation")
    group.add_argument("--region", help="AWS region; reads the outputs from CloudFormation")
    group.add_argument(
        "--stack-name", help=f"CloudFormation stack to read the outputs of ({DEFAULT_STACK})"
    )


def resolve(options: argparse.Namespace) -> Stack:
    """The stack that the options of `add_stack_options` name.

    Raises `Misuse` for a file that is no outputs file, `Unreachable` when there is no stack.
    """
    if options.outputs is not None:
        return read_outputs(options.outputs)
    if options.profile or options.region or options.stack_name:
        return _describe(options.profile, options.region, options.stack_name or DEFAULT_STACK)
    if LOCAL_OUTPUTS.exists():
        return read_outputs(LOCAL_OUTPUTS)
    raise Unreachable(f"There is no stack here: {LOCAL_OUTPUTS} does not exist. {HOW_TO_START}")


def read_outputs(path: Path) -> Stack:
    """The stack of an outputs file: one JSON object of texts, `region` and `endpoint` in it."""
    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise Misuse(f"There is no file {path}. {HOW_TO_START}") from None
    except OSError as error:
        raise Misuse(f"The outputs file {path} cannot be read: {error.strerror}.") from None
    except ValueError:
        raise Misuse(f"{path} is not JSON. Write it again with `make up`.") from None
    if not isinstance(value, dict):
        raise Misuse(f"{path} is not a JSON object. Write it again with `make up`.")
    outputs = {str(name): text for name, text in value.items() if isinstance(text, str)}
    endpoint = outputs.get("endpoint") or _fallback_endpoint(outputs)
    return Stack(
        outputs=outputs,
        described_by=str(path),
        region=outputs.get("region"),
        endpoint=endpoint,
        emulated=endpoint is not None,
        parameters=_parameters(value.get("parameters")),
    )


def _parameters(value: object) -> Mapping[str, str] | None:
    """The stack's parameters, where whoever wrote the outputs file noted them as well."""
    if not isinstance(value, dict):
        return None
    return {str(name): text for name, text in value.items() if isinstance(text, str)}


def _fallback_endpoint(outputs: Mapping[str, str]) -> str | None:
    host = urlsplit(outputs.get("PopulationQueueUrl", "")).hostname or ""
    if os.environ.get("AWS_ENDPOINT_URL"):
        return os.environ["AWS_ENDPOINT_URL"]
    if not host or host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        return None
    from localstack_client.config import (
        get_service_endpoint,
    )

    endpoint: str | None = get_service_endpoint("sqs")
    return endpoint


def _describe(profile: str | None, region: str | None, stack_name: str) -> Stack:
    import botocore.exceptions

    endpoint = os.environ.get("AWS_ENDPOINT_URL") or None
    try:
        emulated = endpoint is not None and "AWS_ACCESS_KEY_ID" not in os.environ
        session = _session(profile, region, emulated=emulated)
        client: CloudFormationClient = session.client(
            "cloudformation", endpoint_url=endpoint, config=_config()
        )
        stacks = client.describe_stacks(StackName=stack_name)["Stacks"]
    except botocore.exceptions.ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            raise Unreachable(
                f"There is no stack {stack_name} in this account and region. Give its name with "
                "--stack-name and its region with --region, or deploy it."
            ) from None
        raise explained(error) from None
    except botocore.exceptions.BotoCoreError as error:
        raise explained(error) from None
    outputs = {
        output["OutputKey"]: output["OutputValue"]
        for output in stacks[0].get("Outputs", [])
        if "OutputKey" in output and "OutputValue" in output
    }
    return Stack(
        outputs=outputs,
        described_by=f"The stack {stack_name}",
        region=region or session.region_name,
        endpoint=endpoint,
        profile=profile,
        emulated=emulated,
        parameters={
            parameter["ParameterKey"]: parameter["ParameterValue"]
            for parameter in stacks[0].get("Parameters", [])
            if "ParameterKey" in parameter and "ParameterValue" in parameter
        },
    )


def _session(profile: str | None, region: str | None, *, emulated: bool) -> Session:
    import boto3

    if emulated and profile is None:
        # Never a person's own keys: an emulator takes the account from them.
        return boto3.Session("test", "test", region_name=region)
    return boto3.Session(profile_name=profile, region_name=region)


def _config() -> Config:
    from botocore.config import Config

    return Config(
        connect_timeout=5,
        read_timeout=30,
        max_pool_connections=32,
        retries={"mode": "standard", "max_attempts": 5},
        s3={"addressing_style": "path"},
    )


def is_denial(error: ClientError) -> bool:
    """Whether AWS refused it for want of a right or of valid credentials."""
    return error.response["Error"].get("Code") in _DENIED


def explained(error: Exception) -> Problem:
    """A botocore error as a problem that says what to do next.

    The text of the service is left out: it may carry a person's data.
    """
    import botocore.exceptions as failures

    match error:
        case failures.ProfileNotFound():
            return Misuse(
                "This AWS profile does not exist. List them: `aws configure list-profiles`."
            )
        case failures.NoCredentialsError() | failures.PartialCredentialsError():
            return Unreachable("There are no AWS credentials. Give a profile with --profile.")
        case failures.NoRegionError():
            return Misuse("No AWS region is set. Give one with --region.")
        case failures.ClientError():
            return _explained_code(error.response["Error"].get("Code", "?"), error.operation_name)
        case failures.BotoCoreError():
            return Unreachable(
                f"The stack does not answer ({type(error).__name__}). {HOW_TO_START} "
                "`make status` tells what is running."
            )
        case _:
            raise error


def _explained_code(code: str, operation: str) -> Problem:
    if code in _DENIED:
        return Unreachable(
            f"{operation} was denied ({code}). Use a profile (--profile) that may do this."
        )
    if code in _ABSENT:
        return Unreachable(
            f"{operation} found nothing there ({code}). The outputs do not fit the stack: run "
            "`make up` again, or check --stack-name and --region."
        )
    return Unreachable(
        f"{operation} failed with {code}. Try again; then look at the stack's state."
    )
