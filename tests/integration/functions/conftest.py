"""An AWS double in the process: moto, with the clients that the functions use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from moto import mock_aws

from functions.shared.adapters.clients import Clients
from tests.integration.functions.stack import BUCKET, Aws


@pytest.fixture(scope="module")
def aws() -> Iterator[Aws]:
    """Clients over moto. Every test makes tables of its own, so a module shares one double."""
    with mock_aws():
        s3 = Clients("us-east-1").s3()
        s3.create_bucket(Bucket=BUCKET)
        yield Aws(Clients().dynamodb(), s3)
