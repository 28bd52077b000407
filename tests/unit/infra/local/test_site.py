"""Where the local stack is."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra.local.site import DEFAULT_REGION, Site


def site(endpoint: str) -> Site:
    return Site(state=Path("state"), endpoint=endpoint, region=DEFAULT_REGION)


def test_the_endpoint_is_the_port_of_localstack_unless_the_environment_says_otherwise() -> None:
    assert Site.of({}).endpoint == "http://localhost:4566"


def test_aws_endpoint_url_decides() -> None:
    assert (
        Site.of({"AWS_ENDPOINT_URL": "http://localhost:4600/"}).endpoint == "http://localhost:4600"
    )


def test_localstack_host_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCALSTACK_HOST", "localhost:4601")

    assert Site.of({}).port == 4601


@pytest.mark.parametrize(
    ("environment", "region"),
    [
        ({}, DEFAULT_REGION),
        ({"AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1"),
        ({"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "eu-west-1"}, "us-east-1"),
    ],
)
def test_the_region_is_that_of_the_environment(environment: dict[str, str], region: str) -> None:
    assert Site.of(environment).region == region


@pytest.mark.parametrize(
    ("endpoint", "here"),
    [
        ("http://localhost:4566", True),
        ("http://127.0.0.1:4566", True),
        ("https://localhost:4566", False),
        ("http://localstack:4566", False),
        ("https://sqs.ap-southeast-1.amazonaws.com", False),
    ],
)
def test_a_server_is_started_on_this_machine_alone(endpoint: str, here: bool) -> None:
    assert site(endpoint).is_here is here
