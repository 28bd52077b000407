"""botocore clients for the functions: short time-outs, few retries of their own, quickly made.

Endpoints come from the environment (AWS_ENDPOINT_URL), as AWS SDKs agree on.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import botocore
import orjson
from botocore.config import Config
from botocore.loaders import JSONFileLoader, Loader
from botocore.session import Session

from functions.shared.adapters.wire import direct

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_sqs.client import SQSClient

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
_SERVICES: Final = ("dynamodb", "s3", "sqs")


class Clients:
    """Makes the clients of one function, which share what is read once: settings, credentials,
    botocore's descriptions of services. Making nothing reads nothing."""

    def __init__(self, region: str | None = None) -> None:
        self._session = Session()
        self._session.register_component("data_loader", _descriptions(self._session))
        self._region = region

    def dynamodb(self, *, direct_wire: bool = False) -> DynamoDBClient:
        """A DynamoDB client; over the direct wire its bulk calls are cheap."""
        client = cast("DynamoDBClient", self._made("dynamodb"))
        return direct(client) if direct_wire else client

    def s3(self) -> S3Client:
        """An S3 client, which comes to be when it is first used: most batches need none."""
        return cast("S3Client", _WhenUsed(lambda: self._made("s3")))

    def sqs(self) -> SQSClient:
        """An SQS client."""
        return cast("SQSClient", self._made("sqs"))

    def _made(self, service: str) -> Any:
        return self._session.create_client(service, region_name=self._region, config=_CONFIG)


class _WhenUsed:
    """Stands for a client until something is asked of it."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._client: Any = None

    def __getattr__(self, name: str) -> Any:
        if self._client is None:
            self._client = self._make()
        return getattr(self._client, name)


# botocore's descriptions of services are megabytes of JSON, and reading them most of what a cold
# start costs. orjson reads them in a tenth of the time, and nobody needs a list of all services.


def _descriptions(session: Session) -> Loader:
    searched = session.get_config_variable("data_path")
    return _Descriptions(
        file_loader=_Files(), extra_search_paths=searched.split(":") if searched else None
    )


class _Descriptions(Loader):
    def list_available_services(self, type_name: str) -> list[str]:
        """The services that the functions call."""
        del type_name
        return list(_SERVICES)


class _Files(JSONFileLoader):
    def load_file(self, file_path: str) -> Any:
        """The JSON of `<file_path>.json` or `<file_path>.json.gz`; None where there is neither."""
        plain, packed = Path(f"{file_path}.json"), Path(f"{file_path}.json.gz")
        if plain.is_file():
            return orjson.loads(plain.read_bytes())
        return orjson.loads(gzip.decompress(packed.read_bytes())) if packed.is_file() else None
