"""An emulator of the tests' own, on a free port, with IAM enforced and the whole template deployed.

A local stack that is already running is neither used nor disturbed. Where the emulator cannot
start, every test fails: none is skipped.
"""

from __future__ import annotations

import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3
import pytest

from infra.local import deployment, emulator, stack
from infra.local.site import Site

REGION = "ap-southeast-1"


@dataclass(frozen=True)
class Deployed:
    """The deployed stack as its administrator sees it."""

    site: Site
    outputs: Mapping[str, str]

    @property
    def endpoint(self) -> str:
        """The emulator's URL."""
        return self.site.endpoint

    def client(self, service: str) -> Any:
        """A boto3 client that may do everything."""
        return self.site.client(service)

    @cached_property
    def function_names(self) -> Mapping[str, str]:
        """The functions' names by their logical id in the template."""
        return deployment.functions(self.site)

    @cached_property
    def role_arns(self) -> Mapping[str, str]:
        """The ARN of each function's role by the function's logical id."""
        functions = self.client("lambda")
        return {
            logical: functions.get_function_configuration(FunctionName=name)["Role"]
            for logical, name in self.function_names.items()
        }

    @cached_property
    def _clients_as(self) -> dict[tuple[str, str], Any]:
        return {}

    def client_as(self, function: str, service: str) -> Any:
        """A boto3 client with the role of a function, given by its logical id."""
        made = self._clients_as
        if (function, service) not in made:
            made[function, service] = self._make_client_as(function, service)
        return made[function, service]

    def _make_client_as(self, function: str, service: str) -> Any:
        session = self.client("sts").assume_role(
            RoleArn=self.role_arns[function], RoleSessionName="least-privilege"
        )["Credentials"]
        return boto3.client(
            service,  # type: ignore[call-overload]  # the stubs want a literal
            endpoint_url=self.endpoint,
            region_name=self.site.region,
            aws_access_key_id=session["AccessKeyId"],
            aws_secret_access_key=session["SecretAccessKey"],
            aws_session_token=session["SessionToken"],
        )

    def logs(self) -> str:
        """All that the functions have logged so far."""
        pages = self.client("logs").get_paginator("filter_log_events")
        return "\n".join(
            event["message"].rstrip("\n")
            for name in self.function_names.values()
            for page in pages.paginate(logGroupName=f"/aws/lambda/{name}")
            for event in page["events"]
        )

    def server_log(self) -> str:
        """The emulator's own log, in which failed starts of a function show."""
        return emulator.log_file(self.site).read_text(encoding="utf-8", errors="replace")

    @contextmanager
    def environment(self, function: str, **variables: str) -> Iterator[None]:
        """Other environment variables for a function (by logical id) while the block runs."""
        functions = self.client("lambda")
        name = self.function_names[function]
        before = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]

        def tell(values: Mapping[str, str]) -> None:
            functions.update_function_configuration(
                FunctionName=name, Environment={"Variables": values}
            )

        tell({**before, **variables})
        try:
            yield
        finally:
            tell(before)

    def set_visibility(self, queue_url_output: str, seconds: int) -> None:
        """How long a message that was not answered for stays hidden (by the template 420 s)."""
        self.client("sqs").set_queue_attributes(
            QueueUrl=self.outputs[queue_url_output],
            Attributes={"VisibilityTimeout": str(seconds)},
        )


@pytest.fixture(scope="session")
def stack_of_its_own() -> Iterator[Callable[..., Deployed]]:
    """Makes further stacks for tests that break one; all are stopped at the end."""
    made: list[Site] = []

    def make(**parameters: str) -> Deployed:
        site = Site(
            state=Path(tempfile.mkdtemp(prefix="lienthong-e2e-")),
            endpoint=f"http://localhost:{_free_port()}",
            region=REGION,
            enforce_iam=True,
            keep=False,
        )
        made.append(site)
        return Deployed(site, stack.up(site, parameters=parameters))

    try:
        yield make
    finally:
        for site in made:
            stack.down(site)
            shutil.rmtree(site.state, ignore_errors=True)


@pytest.fixture(scope="session", name="stack")
def _stack(stack_of_its_own: Callable[..., Deployed]) -> Deployed:
    """The stack all tests share: seeded with the registry, otherwise whatever tests left in it."""
    return stack_of_its_own(
        MaximumConcurrency="2", DailyAllowance="100000", MinuteAllowance="100000"
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
