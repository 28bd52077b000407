"""A town behind the API's own handlers, watched at the one place where a process calls AWS.

Whatever client a function makes, its calls pass here: what each gave of people, cards, dossiers,
ledger entries and refused messages is noted with the adapter that asked, and so is every entry
that the access log took, in their order. Faults are put in at the same place.
"""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Final, cast

import pytest
from botocore.client import BaseClient

from functions.shared.adapters.access_log import entry_from_item
from functions.shared.core.access import AccessEntry
from tests.faults import Call, Clock, Fault

RECORDS: Final[Mapping[str, tuple[str, str]]] = {
    "PeopleTable": ("person", "personal_id"),
    "InsuranceCardsTable": ("insurance-card", "insurance_number"),
    "DossiersTable": ("dossier", "dossier_code"),
}
"""Resource of a table -> the kind of its records and their key."""
READS: Final = frozenset({"GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"})
_ADAPTERS: Final = "functions.shared.adapters."
_CARRIERS: Final = frozenset({"bulk", "wire", "clients", "errors"})
"""Adapters that carry another one's calls and ask nothing of their own accord."""


@dataclass(frozen=True, slots=True)
class Read:
    """A record, entry or message that a call gave: whose (`person/...`, `quarantine/...`), from
    which table, and which adapter asked."""

    key: str
    table: str
    adapter: str


@dataclass
class Watch:
    """What passed during one request."""

    reads: list[Read] = field(default_factory=list)
    entries: list[AccessEntry] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    @property
    def read(self) -> set[str]:
        """The keys of everything that was read."""
        return {read.key for read in self.reads}


Faults = Callable[[Call], Fault | None]


class Gate:
    """Stands at botocore's door; `tables` names each table by its resource."""

    def __init__(self, tables: Mapping[str, str], patch: pytest.MonkeyPatch) -> None:
        self._resources = {name: resource for resource, name in tables.items()}
        self._watch = Watch()
        self._faults: Faults = lambda _: None
        self._clock = Clock(float("inf"))
        self._lock = threading.Lock()
        real = cast(Any, BaseClient)._make_api_call

        def passes(client: BaseClient, operation: str, request: dict[str, Any]) -> Any:
            return self._passes(operation, request, lambda: real(client, operation, request))

        patch.setattr(BaseClient, "_make_api_call", passes)

    @contextmanager
    def watching(self, faults: Faults = lambda _: None) -> Iterator[Watch]:
        """What passes while the block runs."""
        self._watch, self._faults = Watch(), faults
        try:
            yield self._watch
        finally:
            self._watch, self._faults = Watch(), lambda _: None

    def _passes(self, operation: str, request: dict[str, Any], go: Callable[[], Any]) -> Any:
        watch, adapter = self._watch, _adapter()

        def through() -> Any:
            answer = go()
            with self._lock:
                self._note(watch, operation, request, answer, adapter)
            return answer

        with self._lock:
            watch.calls.append(operation)
            number = len(watch.calls)
        fault = self._faults(Call(number, operation, request, self._clock))
        if fault is None:
            return through()
        return fault(Call(number, operation, request, self._clock), through)

    def _note(
        self,
        watch: Watch,
        operation: str,
        request: Mapping[str, Any],
        answer: Mapping[str, Any],
        adapter: str,
    ) -> None:
        if operation == "GetObject":
            watch.reads.append(Read(f"object/{request['Key']}", "QuarantineBucket", adapter))
        elif operation in READS:
            for table, items in _given(operation, request, answer):
                resource = self._resources.get(table, table)
                for item in items:
                    if (key := _key_of(resource, item)) is not None:
                        watch.reads.append(Read(key, resource, adapter))
        elif operation == "TransactWriteItems":
            for action in request["TransactItems"]:
                put = action.get("Put", {})
                if self._resources.get(put.get("TableName")) == "AccessLogTable":
                    watch.entries.append(entry_from_item(put["Item"]))


def _given(
    operation: str, request: Mapping[str, Any], answer: Mapping[str, Any]
) -> Iterator[tuple[str, Iterable[Mapping[str, Any]]]]:
    """The items of an answer by table."""
    if operation == "BatchGetItem":
        yield from answer["Responses"].items()
    elif operation == "TransactGetItems":
        raise NotImplementedError(operation)
    else:
        items = answer.get("Items")
        yield request["TableName"], [answer["Item"]] if "Item" in answer else items or []


def _key_of(resource: str, item: Mapping[str, Any]) -> str | None:
    """Whose an item is; None where it belongs to nobody."""
    if resource in RECORDS:
        kind, name = RECORDS[resource]
        return f"{kind}/{item[name]['S']}"
    if resource == "LedgerTable":
        key: str | None = item.get("record_key", {}).get("S")
        return None if key is None or key.startswith("agency/") else key
    if resource == "QuarantineTable" and "body" in item:
        return f"quarantine/{item['quarantine_id']['S']}"
    return None


def _adapter() -> str:
    """The adapter that asks, by the stack: the one nearest to the call that does not only carry."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if name.startswith(_ADAPTERS):
            found: str = name.removeprefix(_ADAPTERS)
            if found not in _CARRIERS:
                return found
        frame = frame.f_back
    return "none"


# Requests -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Ask:
    """A request to one route; `path` has its parameters filled in."""

    path: str
    query: str = ""
    body: Any = None
    content_type: str = "application/json"


def http_event(
    method: str, ask: Ask, claims: Mapping[str, str] | None, headers: Mapping[str, str], id_: str
) -> dict[str, Any]:
    """A request as an HTTP API hands it to its function (payload format 2.0)."""
    sent = {"accept": "application/json, text/html", **headers}
    if ask.body is not None:
        sent["content-type"] = ask.content_type
    return {
        "version": "2.0",
        "routeKey": f"{method} {ask.path}",
        "rawPath": ask.path,
        "rawQueryString": ask.query,
        "headers": sent,
        "requestContext": {
            "requestId": id_,
            "stage": "$default",
            "http": {"method": method, "path": ask.path, "sourceIp": "192.0.2.7"},
            **({"authorizer": {"jwt": {"claims": dict(claims)}}} if claims else {}),
        },
        "body": None if ask.body is None else json.dumps(ask.body, ensure_ascii=False),
        "isBase64Encoded": False,
    }


def strings_in(value: Any) -> Iterator[str]:
    """Every text in a JSON value that is not a name."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from strings_in(part)
    elif isinstance(value, list):
        for part in value:
            yield from strings_in(part)
