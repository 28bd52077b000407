"""Schemathesis asks the served API what its OpenAPI document says may be asked, and what may not.

A short run with a fixed seed; `make e2e` has another on the emulator.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from moto import mock_aws

from functions.shared.adapters.clients import Clients
from tests.integration.functions.serving import EVERYONE, House, opened, served
from tests.integration.functions.stack import BUCKET, Aws

CONFIGURATION: Final = """
[checks.positive_data_acceptance]
# 400 says what a document cannot: a purpose that needs a case, a span that ends before it begins.
expected-statuses = ["2xx", "400", "401", "403", "404"]

[parameters]
"header.X-Purpose" = "inspection"
"header.X-Case" = "T-1"
"path.record" = "{record}"

[[operations]]
include-path-regex = "/v1/quarantine"
parameters = {{"header.X-Purpose" = "data-quality", "header.X-Case" = "T-1"}}

[[operations]]
include-name = "POST /v1/events"
# The document says what an event looks like, not what its type asks for.
checks.positive_data_acceptance.expected-statuses = ["2xx", "403", "422"]

[warnings]
enabled = false
"""


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with mock_aws():
        s3 = Clients("us-east-1").s3()
        s3.create_bucket(Bucket=BUCKET)
        with opened(Aws(Clients().dynamodb(), s3)) as made:
            yield made


def test_schemathesis_finds_nothing(house: House, tmp_path: Path) -> None:
    configuration = tmp_path / "schemathesis.toml"
    configuration.write_text(CONFIGURATION.format(record=house.record_of()), "utf-8")
    with served(house) as url:
        ran = subprocess.run(
            [
                *(str(Path(sys.executable).parent / "st"), "--config-file", str(configuration)),
                *("run", f"{url}/v1/openapi.json", "-H", f"Authorization: Bearer {EVERYONE}"),
                *("--phases", "examples,fuzzing", "--max-examples", "1", "--seed", "7"),
                *("--workers", "1", "--continue-on-failure", "--no-color"),
                *("--generation-database", "none"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert ran.returncode == 0, ran.stdout[-8000:]
    assert "No issues found" in ran.stdout
