"""The API's two functions over tables in the process: called with the gateway's events, or served
on a port of this machine to whatever speaks HTTP.

What the gateway does with a token is done here by name: `Bearer <role>+<role>` is an officer of
those roles, `Bearer system` the system of an agency, `Bearer everyone` an officer of every role,
and the system where events are published.
"""

from __future__ import annotations

import base64
import importlib
import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, Final
from urllib.parse import urlencode

from functions.shared.adapters.clients import Clients
from functions.shared.core.access import Role
from functions.shared.runtime import composition
from functions.shared.runtime.api.routes import PUBLISHING, routes_at
from tests import builders
from tests.builders import PERSON_ID, event, lambda_context, registrations
from tests.integration.functions.stack import BUCKET, Aws, create_table
from tests.integration.functions.town import MotoTown

CLIENT: Final = "7client0of0the0agency0g01"
AGENCY: Final = "G01"
PURPOSES: Final = {"x-purpose": "population-administration"}
JSON: Final = "application/json"
EVERYONE: Final = "everyone"
_requests: Final = count(1)


@dataclass(frozen=True)
class Reply:
    """What came back; names of headers in lower case."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def document(self) -> Any:
        """The JSON in the body."""
        return json.loads(self.text)


def officer(*roles: str, agency: str | None = AGENCY, id_: str = "") -> dict[str, str]:
    """The claims of an officer's access token."""
    name = id_ or "-".join(roles) or "nobody"
    claims = {
        "sub": f"sub-of-{name}",
        "username": name,
        "client_id": "7client0of0the0pool",
        "token_use": "access",
        "roles": " ".join(roles),
    }
    return {**claims, "agency": agency} if agency is not None else claims


def system(client: str = CLIENT) -> dict[str, str]:
    """The claims of a machine's access token."""
    return {"sub": client, "client_id": client, "token_use": "access", "scope": "lienthong/api"}


def http_event(
    method: str,
    path: str,
    *,
    query: str = "",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    claims: Mapping[str, Any] | None = None,
    stage: str = "$default",
) -> dict[str, Any]:
    """What the gateway hands over (payload format 2.0)."""
    context: dict[str, Any] = {
        "accountId": "123456789012",
        "apiId": "api",
        "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1"},
        "requestId": f"request-{next(_requests)}",
        "routeKey": f"{method} {path}",
        "stage": stage,
        "time": "22/Nov/2026:08:00:00 +0000",
        "timeEpoch": 1795334400000,
    }
    if claims is not None:
        context["authorizer"] = {"jwt": {"claims": dict(claims), "scopes": None}}
    given = {name.lower(): value for name, value in (headers or {}).items()}
    is_text = given.get("content-type", "").startswith(("text/", JSON))
    made: dict[str, Any] = {
        "version": "2.0",
        "routeKey": f"{method} {path}",
        "rawPath": path,
        "rawQueryString": query,
        "headers": given,
        "requestContext": context,
        "isBase64Encoded": body is not None and not is_text,
    }
    if body is not None:
        made["body"] = body.decode("utf-8", "replace") if is_text else _packed(body)
    return made


def _packed(body: bytes) -> str:
    return base64.b64encode(body).decode()


@dataclass
class House:
    """A town whose API can be called. Make it with `opened`."""

    town: MotoTown
    environment: dict[str, str]
    queues: dict[str, str]
    sqs: Any = field(repr=False)

    def handle(self, made: Mapping[str, Any]) -> Reply:
        """Calls the function that the gateway would call; 404 where it has no such route."""
        there = routes_at(made["requestContext"]["http"]["path"])
        route = there.get(made["requestContext"]["http"]["method"])
        function = (route or next(iter(there.values()))).function if there else "query"
        handler = importlib.import_module(f"functions.{function}.handler")
        answer = handler.lambda_handler(made, lambda_context())
        text = answer["body"]
        if answer["isBase64Encoded"]:
            text = base64.b64decode(text).decode("utf-8", "replace")
        return Reply(answer["statusCode"], answer["headers"], text)

    def call(
        self,
        method: str,
        path: str,
        *,
        claims: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | str = "",
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        purpose: str | None = "population-administration",
        case: str | None = None,
    ) -> Reply:
        """Asks as a population officer for the population's administration, unless told."""
        given = dict(headers or {})
        if purpose is not None:
            given.setdefault("x-purpose", purpose)
        if case is not None:
            given.setdefault("x-case", case)
        if body is not None:
            given.setdefault("content-type", JSON)
        packed = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        return self.handle(
            http_event(
                method,
                path,
                query=query if isinstance(query, str) else urlencode(query),
                headers=given,
                body=packed,
                claims=officer("population-officer") if claims is None else claims,
            )
        )

    def record_of(self, personal_id: str = PERSON_ID) -> str:
        """The opaque id of a person."""
        found = self.call("POST", "/v1/people/lookups", body={"personal_id": personal_id})
        return str(found.document["person"]["record"])

    def queued(self, queue: str) -> list[dict[str, Any]]:
        """What waits in a queue: body and attributes of each message."""
        found: list[dict[str, Any]] = []
        while True:
            got = self.sqs.receive_message(
                QueueUrl=self.queues[queue], MaxNumberOfMessages=10, MessageAttributeNames=["All"]
            )
            if not got.get("Messages"):
                return found
            for one in got["Messages"]:
                attributes = one.get("MessageAttributes", {})
                said = {name: value["StringValue"] for name, value in attributes.items()}
                found.append({"body": one["Body"], **said})
                self.sqs.delete_message(
                    QueueUrl=self.queues[queue], ReceiptHandle=one["ReceiptHandle"]
                )


_numbers: Final = count(1)
_PERSON: Final = {
    "full_name": "Nguyễn Thị Hoà Mẫu",
    "date_of_birth": "1990-02-03",
    "sex": "female",
    "residence": {"commune": "00070", "address": "Số 12, ngõ Mẫu"},
}
_CARD: Final = {
    "personal_id": PERSON_ID,
    "full_name": "Nguyễn Thị Hoà Mẫu",
    "card": {
        "number": "GD4010123456790",
        "group_code": "GD",
        "benefit_level": 4,
        "valid_from": "2026-01-01",
        "valid_to": "2026-12-31",
    },
}
_DOSSIER: Final = {
    "procedure_code": "1.001193",
    "receiving_agency": "H26.12",
    "handling_agency": "H26.12",
    "applicant": {"kind": "citizen", "name": "Nguyễn Thị Hoà Mẫu", "personal_id": PERSON_ID},
    "submitted_at": "2026-03-03T02:00:00Z",
    "due_at": "2026-03-10T10:00:00Z",
    "status": 1,
}


@contextmanager
def opened(aws: Aws, **environment: str) -> Iterator[House]:
    """A house with a registry and a few records, in a process that knows its environment."""
    town = MotoTown(aws)
    agencies = dict(builders.AGENCIES)
    agencies[AGENCY] = {**agencies[AGENCY], "senders": [CLIENT]}
    town.sent(*registrations(agencies))
    town.sent(
        event("person.registered", _PERSON),
        event("insurance-card.issued", _CARD, id_="card-1"),
        event("dossier.submitted", _DOSSIER, id_="dossier-1"),
        event("person.updated", {"phone": "not a number"}, id_="refused-1"),
    )
    sqs = Clients().sqs()
    number = next(_numbers)
    queues = {
        queue: sqs.create_queue(QueueName=f"{queue}-{number}")["QueueUrl"]
        for queue in ("population", "insurance", "dossier", "registry")
    }
    tables = {name: world.records_table for name, world in town.worlds.items()}
    house = House(
        town,
        {
            "STAGE": "local",
            "LOG_HASH_KEY": "k" * 32,
            "LEDGER_TABLE": town.ledger,
            "QUARANTINE_TABLE": town.quarantine,
            "QUARANTINE_BUCKET": BUCKET,
            "PEOPLE_TABLE": tables["person"],
            "INSURANCE_CARDS_TABLE": tables["insurance-card"],
            "DOSSIERS_TABLE": tables["dossier"],
            "AGENCIES_TABLE": tables["agency"],
            "ACCESS_LOG_TABLE": create_table(aws.dynamodb, "AccessLogTable"),
            "ACCESS_HEADS_TABLE": town.heads,
            "ALLOWANCES_TABLE": create_table(aws.dynamodb, "AllowancesTable"),
            "RECORD_ID_KEY": "0123456789abcdef" * 8,
            "DAILY_ALLOWANCE": "100000",
            "MINUTE_ALLOWANCE": "100000",
            **{f"{queue.upper()}_QUEUE_URL": url for queue, url in queues.items()},
            "POWERTOOLS_METRICS_NAMESPACE": "LienThong",
            "POWERTOOLS_LOG_LEVEL": "INFO",
            **environment,
        },
        queues,
        sqs,
    )
    with varied(house):
        yield house


@contextmanager
def varied(house: House, **environment: str) -> Iterator[House]:
    """The same tables and queues for functions that start anew, with other settings."""
    before = dict(os.environ)
    service = {"POWERTOOLS_SERVICE_NAME": f"api-{next(_numbers)}"}
    os.environ.update({**house.environment, **service, **environment})
    _forget()
    try:
        yield house
    finally:
        os.environ.clear()
        os.environ.update(before)
        _forget()


def _forget() -> None:
    composition.query_api.cache_clear()
    composition.intake_api.cache_clear()


# Over HTTP ----------------------------------------------------------------------------------


@contextmanager
def served(house: House) -> Iterator[str]:
    """The API at a URL of this machine; one request at a time is worked, as a function does."""
    turn = threading.Lock()

    class Gateway(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = self.rfile.read(length) if length else None
            path, _, query = self.path.partition("?")
            made = http_event(
                self.command,
                path,
                query=query,
                headers=dict(self.headers.items()),
                body=body,
                claims=_claims_of(self.headers.get("authorization"), self.command, path),
            )
            with turn:
                reply = house.handle(made)
            content = reply.text.encode()
            self.send_response_only(reply.status)
            for name, value in reply.headers.items():
                if name != "content-encoding":
                    self.send_header(name, value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        def __getattr__(self, name: str) -> Any:
            """Whatever the method, it is the API that answers."""
            if name.startswith("do_"):
                return self._answer
            raise AttributeError(name)

        def log_message(self, *_: Any) -> None:
            """Nothing is said of a request."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Gateway)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _claims_of(authorization: str | None, method: str, path: str) -> dict[str, str] | None:
    scheme, _, who = (authorization or "").partition(" ")
    if scheme != "Bearer" or not who:
        return None
    if who == "system" or (who == EVERYONE and (method, path) == PUBLISHING):
        return system()
    roles = list(Role) if who == EVERYONE else who.split("+")
    return officer(*roles, id_=who) if set(roles) <= set(Role) else None
