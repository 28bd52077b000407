"""Where a local stack is: its files, its endpoint, its region, its name, and clients for it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

ROOT: Final = Path(__file__).resolve().parents[2]
DEFAULT_REGION: Final = "ap-southeast-1"
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class LocalStackError(Exception):
    """Something the person at the keyboard has to decide; the text is a sentence that says what."""


@dataclass(frozen=True)
class Site:
    """One local stack.

    `state` is the folder of everything that is kept between commands, `endpoint` the server's
    URL, `enforce_iam` whether an emulator started here evaluates policies, `keep` whether its
    tables outlive a stop, `source` the folder whose template and functions are deployed.
    """

    state: Path
    endpoint: str
    region: str
    stack_name: str = "lienthong"
    enforce_iam: bool = False
    keep: bool = True
    source: Path = ROOT

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Site:
        """The default site of this folder.

        `AWS_ENDPOINT_URL`, `LOCALSTACK_HOST`, `AWS_REGION` and `AWS_DEFAULT_REGION` decide.
        """
        from localstack_client.config import get_service_endpoint

        endpoint = environment.get("AWS_ENDPOINT_URL") or get_service_endpoint("cloudformation")
        region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
        return cls(
            state=ROOT / ".local",
            endpoint=str(endpoint).rstrip("/"),
            region=region or DEFAULT_REGION,
        )

    @property
    def port(self) -> int:
        """The server's port."""
        parts = urlsplit(self.endpoint)
        return parts.port or (443 if parts.scheme == "https" else 80)

    @property
    def host(self) -> str:
        """The server's host name."""
        return urlsplit(self.endpoint).hostname or "localhost"

    @property
    def is_here(self) -> bool:
        """Whether the endpoint is on this machine, so that a server may be started for it."""
        return self.host in _LOOPBACK and urlsplit(self.endpoint).scheme == "http"

    @property
    def outputs_file(self) -> Path:
        """The template outputs with `region` and `endpoint`, there while the stack is up."""
        return self.state / "outputs.json"

    def client(self, service: str) -> Any:
        """A boto3 client of the server's administrator."""
        import boto3
        from botocore.config import Config

        return boto3.client(
            service,  # type: ignore[call-overload]  # the stubs want a literal
            endpoint_url=self.endpoint,
            region_name=self.region,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(
                connect_timeout=5,
                read_timeout=60,
                retries={"mode": "standard", "max_attempts": 5},
                s3={"addressing_style": "path"},
            ),
        )

    @property
    def cloudformation(self) -> CloudFormationClient:
        """A CloudFormation client."""
        client: CloudFormationClient = self.client("cloudformation")
        return client

    @property
    def dynamodb(self) -> DynamoDBClient:
        """A DynamoDB client."""
        client: DynamoDBClient = self.client("dynamodb")
        return client

    @property
    def s3(self) -> S3Client:
        """An S3 client."""
        client: S3Client = self.client("s3")
        return client

    @property
    def sqs(self) -> SQSClient:
        """An SQS client."""
        client: SQSClient = self.client("sqs")
        return client


def environment() -> Mapping[str, str]:
    """The process environment, asked for in this one place."""
    return os.environ
