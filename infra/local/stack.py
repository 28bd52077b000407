"""Up, down and status of the local stack, as functions."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from infra.local import accounts, deployment, emulator, package, registry
from infra.local.site import LocalStackError, Site, environment

Report = Callable[[str], None]
# Each batch in work has a worker, a process of its own. Measured on two cores with one demo: with
# two a queue the longest queue waits for the emulator between batches; ten cost a third more
# processor time, most of it for their start.
LOCAL_PARAMETERS: Final[Mapping[str, str]] = {
    "Stage": "local",
    "DeletionProtection": "false",
    "MaximumConcurrency": "5",
    "LogRetentionDays": "7",
    "Mfa": "OFF",
    "ApiRateLimit": "1000",
    "ApiBurstLimit": "1000",
}


@dataclass(frozen=True)
class QueueState:
    """Messages waiting, and in the hands of a function."""

    waiting: int
    in_flight: int


@dataclass(frozen=True)
class Status:
    """What is there of a local stack; empty mappings where it is not deployed."""

    endpoint: str
    server: str | None
    started_here: bool
    log: str
    stack_name: str
    stack: str | None = None
    queues: Mapping[str, QueueState] = field(default_factory=dict)
    tables: Mapping[str, int] = field(default_factory=dict)
    functions: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_up(self) -> bool:
        """Whether events can be sent."""
        return self.stack in ("CREATE_COMPLETE", "UPDATE_COMPLETE")


def up(
    site: Site | None = None,
    *,
    parameters: Mapping[str, str] | None = None,
    report: Report = print,
) -> dict[str, str]:
    """The outputs of the running, deployed and seeded stack, with `region` and `endpoint`.

    Whatever is there already is kept: a server that answers, a stack that is up to date, agencies
    that are registered. Changed code or a changed template is deployed. The outputs also go to
    `site.outputs_file`. Raises `LocalStackError` with a sentence for the person.
    """
    site = site or Site.of(environment())
    server = emulator.start(site, report)
    with _explained(site):
        packages = (
            package.lambda_packages(site.state) if server.kind == emulator.LOCALSTACK else None
        )
        code = package.package(site.source, packages)
        chosen = {
            **LOCAL_PARAMETERS,
            "LogHashKey": deployment.log_hash_key(site),
            "RecordIdKey": deployment.record_id_key(site),
            **(parameters or {}),
        }
        known = accounts.kept(site)
        outputs = _deployed(site, code, chosen, known, report)
        signed = accounts.seed(site, outputs, report)
        if known is None or known.system.client_id != signed.system.client_id:
            # The client is made in the pool, and the gateway has to know it: a second round.
            outputs = _deployed(site, code, chosen, signed, report)
        _write(site, outputs)
        registry.seed(site, outputs, report)
        accounts.register(site, outputs, signed.system, report)
    return outputs


def down(site: Site | None = None, *, report: Report = print) -> bool:
    """Stops what `up` started; False where that was nothing.

    The tables stay on disk for the next `up` (see `Site.keep`). A server that `up` found running is
    left running.
    """
    site = site or Site.of(environment())
    stopped = emulator.stop(site)
    if stopped:
        kept = " Its tables are kept; `make up` brings them back." if site.keep else ""
        report(f"The local stack is down.{kept}")
    elif emulator.find(site) is not None:
        report(f"The server at {site.endpoint} was not started by `make up`; it is left running.")
        return False
    else:
        report("The local stack is not running.")
    site.outputs_file.unlink(missing_ok=True)
    return stopped


def status(site: Site | None = None) -> Status:
    """What is there now: server, stack, queue depths, items per table, state of each function."""
    site = site or Site.of(environment())
    server = emulator.find(site)
    present = Status(
        endpoint=site.endpoint,
        server=server.kind if server else None,
        started_here=bool(server and server.started_here),
        log=_relative(emulator.log_file(site)),
        stack_name=site.stack_name,
    )
    if server is None:
        return present
    with _explained(site):
        stack = deployment.status(site)
        if stack is None:
            return present
        outputs = deployment.outputs(site)
        return Status(
            **{
                **present.__dict__,
                "stack": stack,
                "queues": _queues(site, outputs),
                "tables": _tables(site, outputs),
                "functions": _functions(site),
            }
        )


def _queues(site: Site, outputs: Mapping[str, str]) -> dict[str, QueueState]:
    sqs = site.sqs
    depths = {}
    for name, url in outputs.items():
        if name.endswith("QueueUrl"):
            counts = sqs.get_queue_attributes(
                QueueUrl=url,
                AttributeNames=[
                    "ApproximateNumberOfMessages",
                    "ApproximateNumberOfMessagesNotVisible",
                ],
            )["Attributes"]
            depths[name.removesuffix("Url")] = QueueState(
                int(counts["ApproximateNumberOfMessages"]),
                int(counts["ApproximateNumberOfMessagesNotVisible"]),
            )
    return depths


def _tables(site: Site, outputs: Mapping[str, str]) -> dict[str, int]:
    dynamodb = site.dynamodb
    return {
        name: dynamodb.describe_table(TableName=table)["Table"].get("ItemCount", 0)
        for name, table in outputs.items()
        if name.endswith("Table")
    }


def _functions(site: Site) -> dict[str, str]:
    functions = site.client("lambda")
    return {
        logical: functions.get_function(FunctionName=name)["Configuration"].get("State", "Active")
        for logical, name in deployment.functions(site).items()
    }


def _deployed(
    site: Site,
    code: package.Package,
    parameters: Mapping[str, str],
    sign_ins: accounts.SignIns | None,
    report: Report,
) -> dict[str, str]:
    clients = sign_ins.system.client_id if sign_ins is not None else ""
    found = deployment.deploy(site, code, {"SystemClientIds": clients, **parameters}, report)
    outputs = {key: _reachable(value, site) for key, value in found.items()}
    outputs["ApiUrl"] = _api_url(found["ApiUrl"], site)
    outputs["SystemTokenUrl"] = f"{site.endpoint}/oauth2/token"
    return outputs | {"region": site.region, "endpoint": site.endpoint}


def _api_url(value: str, site: Site) -> str:
    """The API at the server's own address: the name that AWS would give it leads nowhere here."""
    api = (urlsplit(value).hostname or "").partition(".")[0]
    return f"{site.endpoint}/_aws/execute-api/{api}/$default"


def _reachable(value: str, site: Site) -> str:
    """A queue URL whose host this machine can resolve; other outputs as they are."""
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return value
    try:
        socket.getaddrinfo(parts.hostname, parts.port)
    except OSError:
        return site.endpoint + parts.path
    return value


def _write(site: Site, outputs: Mapping[str, str]) -> None:
    site.state.mkdir(parents=True, exist_ok=True)
    unfinished = site.outputs_file.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(outputs, indent=2) + "\n", encoding="utf-8")
    unfinished.replace(site.outputs_file)


def _relative(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


@contextlib.contextmanager
def _explained(site: Site) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        answer = error.response["Error"]
        raise LocalStackError(
            f"The server at {site.endpoint} refused {error.operation_name}: {answer.get('Code')}: "
            f"{answer.get('Message')}. `make status` tells what is there."
        ) from error
    except BotoCoreError as error:
        raise LocalStackError(
            f"The server at {site.endpoint} stopped answering ({type(error).__name__}). Run `make "
            "up` again; if that fails, `make down` first."
        ) from error
