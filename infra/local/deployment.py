"""The template deployed through CloudFormation, whatever state the stack was left in."""

from __future__ import annotations

import contextlib
import re
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from infra.local.package import Package
from infra.local.site import LocalStackError, Site

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cloudformation.type_defs import StackTypeDef

WAIT_SECONDS: Final = 600.0
# States in which a stack holds nothing worth keeping and cannot be updated.
_UNUSABLE: Final = frozenset(
    {"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED", "REVIEW_IN_PROGRESS"}
)
_GOOD: Final = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})
_CODE_LINE: Final = re.compile(r"^( +)CodeUri: \.$", re.MULTILINE)
_BODY_LIMIT: Final = 51_200


def deploy(
    site: Site,
    code: Package,
    parameters: Mapping[str, str],
    report: Callable[[str], None],
) -> dict[str, str]:
    """The outputs of the stack, once it is what the template, the code and the parameters say.

    Creates it, updates it, or, where a failed creation left a stack that holds nothing, deletes
    that first. Raises `LocalStackError` with the reasons of the resources that failed.
    """
    client = site.cloudformation
    template = site.source / "template.yaml"
    bucket = _uploaded(site, code)
    body, found = _CODE_LINE.subn(
        rf"\1CodeUri: s3://{bucket}/{code.key}", template.read_text(encoding="utf-8")
    )
    if not found:
        raise LocalStackError(f"{template} has no line `CodeUri: .` to put the code's place into.")
    where = _template_argument(site, bucket, code.key, body)

    status = _settled(client, site.stack_name, report)
    if status in _UNUSABLE:
        report(f"The stack {site.stack_name} was left half-made ({status}); it is made anew.")
        delete(site, report)
        status = None
    arguments = {
        "StackName": site.stack_name,
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
        ],
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        **where,
    }
    if status is None:
        report(f"Creating the stack {site.stack_name}.")
        client.create_stack(**arguments)  # type: ignore[arg-type]  # one mapping for two calls
    else:
        try:
            client.update_stack(**arguments)  # type: ignore[arg-type]
        except ClientError as error:
            if not _says_nothing_to_do(error):
                raise
            report(f"The stack {site.stack_name} is up to date.")
        else:
            report(f"Updating the stack {site.stack_name}.")
    status = _settled(client, site.stack_name, report)
    if status not in _GOOD:
        reasons = "\n".join(_failures(client, site.stack_name)) or "(the server gives no reason)"
        raise LocalStackError(
            f"The stack {site.stack_name} ended as {status}:\n{reasons}\nMend the template and run "
            "`make up` again; `make down` and `make clean` begin afresh."
        )
    return outputs(site)


def outputs(site: Site) -> dict[str, str]:
    """The stack's template outputs; empty where there is no such stack."""
    described = _described(site.cloudformation, site.stack_name)
    return {
        output["OutputKey"]: output["OutputValue"]
        for output in (described["Outputs"] if described and "Outputs" in described else ())
        if "OutputKey" in output and "OutputValue" in output
    }


def delete(site: Site, report: Callable[[str], None]) -> None:
    """Deletes the stack and waits until it is gone."""
    site.cloudformation.delete_stack(StackName=site.stack_name)
    left = _settled(site.cloudformation, site.stack_name, report)
    if left not in (None, "DELETE_COMPLETE"):
        raise LocalStackError(
            f"The stack {site.stack_name} could not be deleted ({left}). Run `make down`, then "
            "`make clean` and `make up` to begin afresh."
        )


def status(site: Site) -> str | None:
    """The stack's CloudFormation status, or None where there is no such stack."""
    described = _described(site.cloudformation, site.stack_name)
    return described["StackStatus"] if described else None


def functions(site: Site) -> dict[str, str]:
    """The physical names of the stack's functions by logical id."""
    pages = site.cloudformation.get_paginator("list_stack_resources")
    return {
        resource["LogicalResourceId"]: resource["PhysicalResourceId"]
        for page in pages.paginate(StackName=site.stack_name)
        for resource in page["StackResourceSummaries"]
        if resource["ResourceType"] == "AWS::Lambda::Function" and "PhysicalResourceId" in resource
    }


def log_hash_key(site: Site) -> str:
    """The key of the logs' keyed hashes: made once, kept beside the stack for its owner alone."""
    return secret(site, "log-hash-key", lambda: secrets.token_hex(32))


def record_id_key(site: Site) -> str:
    """The key of the opaque record ids, made and kept in the same way."""
    return secret(site, "record-id-key", lambda: secrets.token_hex(64))


def secret(site: Site, name: str, made: Callable[[], str]) -> str:
    """A secret text of the site, made once and kept in a file that its owner alone may read."""
    path = site.state / name
    with contextlib.suppress(FileNotFoundError):
        return path.read_text(encoding="utf-8").strip()
    write_secret(path, made() + "\n")
    return secret(site, name, made)


def write_secret(path: Path, text: str) -> None:
    """Writes a file that its owner alone may read, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600)
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)


def _uploaded(site: Site, code: Package) -> str:
    bucket = f"{site.stack_name}-artifacts-{site.region}"
    s3 = site.s3
    try:
        s3.head_object(Bucket=bucket, Key=code.key)
    except ClientError:
        _make_bucket(site, bucket)
        s3.put_object(Bucket=bucket, Key=code.key, Body=code.body)
    return bucket


def _make_bucket(site: Site, bucket: str) -> None:
    try:
        if site.region == "us-east-1":
            site.s3.create_bucket(Bucket=bucket)
        else:
            site.s3.create_bucket(
                Bucket=bucket,
                CreateBucketConfiguration={"LocationConstraint": site.region},  # type: ignore[typeddict-item]
            )
    except ClientError as error:
        if error.response["Error"]["Code"] != "BucketAlreadyOwnedByYou":
            raise


def _template_argument(site: Site, bucket: str, code_key: str, body: str) -> dict[str, str]:
    if len(body.encode()) <= _BODY_LIMIT:
        return {"TemplateBody": body}
    key = code_key.removesuffix(".zip") + ".template.yaml"
    site.s3.put_object(Bucket=bucket, Key=key, Body=body.encode())
    return {"TemplateURL": f"{site.endpoint}/{bucket}/{key}"}


def _described(client: CloudFormationClient, name: str) -> StackTypeDef | None:
    try:
        stacks = client.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            return None
        raise
    return stacks[0] if stacks and stacks[0]["StackStatus"] != "DELETE_COMPLETE" else None


def _settled(client: CloudFormationClient, name: str, report: Callable[[str], None]) -> str | None:
    """The status once no change is under way any more."""
    begin = time.monotonic()
    said = begin
    while True:
        described = _described(client, name)
        now = described["StackStatus"] if described else None
        if now is None or not now.endswith("_IN_PROGRESS") or now == "REVIEW_IN_PROGRESS":
            return now
        if time.monotonic() - begin > WAIT_SECONDS:
            raise LocalStackError(
                f"The stack {name} has been {now} for {WAIT_SECONDS / 60:.0f} minutes. Look at the "
                "server's log, then run `make down` and `make up`."
            )
        if time.monotonic() - said > 5:
            said = time.monotonic()
            report(f"  {now}: {_ready(client, name)} resources are ready.")
        time.sleep(0.2)


def _ready(client: CloudFormationClient, name: str) -> int:
    return sum(
        resource["ResourceStatus"].endswith("_COMPLETE")
        for resource in client.describe_stack_resources(StackName=name)["StackResources"]
    )


def _failures(client: CloudFormationClient, name: str) -> list[str]:
    events = client.describe_stack_events(StackName=name)["StackEvents"]
    return [
        f"  {event.get('LogicalResourceId')}: {event.get('ResourceStatusReason', 'no reason')}"
        for event in reversed(events)
        if event.get("ResourceStatus", "").endswith("_FAILED")
    ]


def _says_nothing_to_do(error: ClientError) -> bool:
    # CloudFormation has no code of its own for this answer.
    answer = error.response["Error"]
    return (
        answer["Code"] == "ValidationError"
        and "No updates are to be performed" in answer["Message"]
    )
