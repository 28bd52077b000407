"""botocore clients for the functions: short time-outs, few retries of their own.

Endpoints come from the environment (AWS_ENDPOINT_URL), as AWS SDKs agree on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import botocore
import botocore.session
from botocore.config import Config

from functions.shared.adapters.wire import direct

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_s3.client import S3Client

_CONFIG: Final = Config(
    connect_timeout=2,
    read_timeout=10,
    # One retry inside botocore: with its idempotency token a lost answer is often healed here.
    # Everything beyond is the pipeline's, which knows what else is in the batch.
    retries={"mode": "standard", "total_max_attempts": 2},
    # The requests are built by this package and held by its tests; validating each again
    # would be more than half of the cost of a call.
    parameter_validation=False,
    tcp_keepalive=True,
    # Formatting one for every request would be a sixth of the cost of a call.
    user_agent=f"lienthong Botocore/{botocore.__version__}",
)


def dynamodb(region: str | None = None, *, direct_wire: bool = False) -> DynamoDBClient:
    """A DynamoDB client for the functions; over the direct wire its bulk calls are cheap."""
    client = cast("DynamoDBClient", _client("dynamodb", region))
    return direct(client) if direct_wire else client


def s3(region: str | None = None) -> S3Client:
    """An S3 client for the functions."""
    return cast("S3Client", _client("s3", region))


def _client(service: str, region: str | None) -> object:
    session = botocore.session.get_session()
    return session.create_client(service, region_name=region, config=_CONFIG)
