"""No code path reads a person, a card or a dossier for a caller without an access entry.

Every route, as every role, permitted and refused, found and not found, with faults: whatever was
read is covered by an entry of its subject that was written before the answer, and no answer holds
a value that no entry of it lists as seen. A route that this test does not know fails it.

Searching compares more people than it shows; those who are compared and not shown leave nothing in
the answer, and the search itself is noted.
"""

from __future__ import annotations

import ast
import copy
import importlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, Final

import boto3
import pytest
from moto import mock_aws
from moto.dynamodb import models
from moto.dynamodb.models.table import Table

from functions.shared.adapters.clients import Clients
from functions.shared.adapters.keys import day_allowance
from functions.shared.adapters.opaque import Opaque
from functions.shared.core.access import AccessEntry, Action, Role
from functions.shared.core.allowances import Window, stopped_by
from functions.shared.core.instants import instant, vietnam_day
from functions.shared.core.kinds import INSURANCE_CARD
from functions.shared.runtime import composition
from functions.shared.runtime.api.routes import ROUTES, Route
from tests.builders import (
    DOSSIER_CODE,
    INSURANCE_NUMBER,
    OTHER_PERSON_ID,
    PERSON_ID,
    RECORDED_AT,
    agency_fields,
    event,
    lambda_context,
    period,
    registrations,
)
from tests.faults import Call, Died, Fault, answers, died_before, lost
from tests.integration.functions.door import (
    RECORDS,
    Ask,
    Faults,
    Gate,
    Watch,
    http_event,
    strings_in,
)
from tests.integration.functions.stack import BUCKET, Aws, create_table
from tests.integration.functions.town import MotoTown

KEY: Final = bytes(range(64))
SYSTEM: Final = "4t7systemofanagency0g24"
NOBODY: Final = "001099999999"
LONE_CARD: Final = "0123456777"
MOST_LOOKS: Final = 1_000_000
LONE_DOSSIER: Final = "H26.12-20260303-0000009"

# The town -----------------------------------------------------------------------------------

GOOD: Final[Sequence[dict[str, Any]]] = (
    event(
        "person.registered",
        {
            "full_name": "Nguyễn Thị Hoà Mẫu",
            "date_of_birth": "1990-04-30",
            "sex": "female",
            "ethnicity_code": "07",
            "old_identity_number": "012345678",
            "residence": {"commune": "00070", "address": "12 phố Tưởng Tượng"},
            "phone": "0900000071",
            "household": {"head_id": PERSON_ID, "relation_code": "01"},
            "eid": {"level": 2, "activated_at": "2024-05-06T07:08:09.000000Z"},
        },
        id_="p-1",
    ),
    event(
        "person.updated",
        {"full_name": "Nguyễn Thị Hòa Khác", "residence": {"commune": "00071", "address": "ngõ"}},
        source="/agencies/H26",
        id_="p-2",
    ),
    event("person.moved", {"residence": {"commune": "00072", "address": "3 phố Bịa"}}, id_="p-3",
          time="2026-04-04T02:00:00.000000Z"),
    event(
        "person.registered",
        {"full_name": "Nguyễn Thị Hoà Mẫu", "date_of_birth": "1991-02-03", "sex": "female"},
        key=OTHER_PERSON_ID,
        id_="p-4",
    ),
    event(
        "insurance-card.issued",
        {
            "personal_id": PERSON_ID,
            "full_name": "Nguyễn Thị Hoà Thẻ",
            "status": "active",
            "card": {"number": INSURANCE_NUMBER, "valid_to": "2026-12-30"},
            "address": "số 5 đường Thẻ",
            "phone": "0900000072",
        },
        id_="c-1",
    ),
    event("insurance-card.issued", {"full_name": "Trần Không Ai", "status": "active",
          "card": {"number": LONE_CARD}}, key=LONE_CARD, id_="c-2"),
    event(
        "dossier.submitted",
        {
            "procedure_code": "1.004222",
            "receiving_agency": "H26.12",
            "handling_agency": "H26.12",
            "applicant": {"kind": "citizen", "name": "Hoà Đơn Mẫu", "personal_id": PERSON_ID},
            "submitted_at": "2026-03-03T01:02:03.000000Z",
            "status": 1,
        },
        id_="d-1",
    ),
    event(
        "dossier.submitted",
        {
            "procedure_code": "1.004222",
            "receiving_agency": "H26.12",
            "handling_agency": "H26.12",
            "applicant": {"kind": "enterprise", "name": "Công ty Tưởng Tượng"},
            "submitted_at": "2026-03-03T01:02:04.000000Z",
            "status": 1,
        },
        key=LONE_DOSSIER,
        id_="d-2",
    ),
)  # fmt: skip
BAD: Final[Sequence[dict[str, Any]]] = (
    event("person.updated", {"phone": "09 bad 0001", "full_name": "Lê Sai Mẫu"}, id_="b-1"),
    event("insurance-card.updated", {"address": "đường Hỏng", "sex": "nobody"}, id_="b-2"),
    event(
        "dossier.submitted",
        {"applicant": {"kind": "citizen", "name": "Phạm Đơn Hỏng", "personal_id": PERSON_ID}},
        id_="b-3",
    ),
)
SUBJECTS: Final[Mapping[str, str]] = {
    f"person/{PERSON_ID}": f"person/{PERSON_ID}",
    f"person/{OTHER_PERSON_ID}": f"person/{OTHER_PERSON_ID}",
    f"insurance-card/{INSURANCE_NUMBER}": f"person/{PERSON_ID}",
    f"insurance-card/{LONE_CARD}": f"insurance-card/{LONE_CARD}",
    f"dossier/{DOSSIER_CODE}": f"person/{PERSON_ID}",
    f"dossier/{LONE_DOSSIER}": f"dossier/{LONE_DOSSIER}",
}
"""Record -> whom it is about."""
_OF_ANYBODY: Final = frozenset(
    {"H26.12", "active", "citizen", "enterprise", "female", "1.004222", "status", "nobody"}
)
"""Values that say nothing about anybody: ids of agencies, words of a list."""


def _values() -> dict[str, set[tuple[str, str]]]:
    """Every text that an event states -> the records and fields that it is a value of."""
    found: dict[str, set[tuple[str, str]]] = {}
    for document in (*GOOD, *BAD):
        kind = document["type"].split(".")[2]
        for name, value in document["data"].items():
            for text in strings_in(value):
                if len(text) >= 5 and text not in _OF_ANYBODY:
                    found.setdefault(text, set()).add((f"{kind}/{document['subject']}", name))
    return found


VALUES: Final = _values()


@dataclass
class Town:
    """The town behind its handlers, and the gate that is watched."""

    gate: Gate
    tables: Mapping[str, str]
    quarantined: list[str]
    opaque: Opaque = field(default_factory=lambda: Opaque(KEY))
    _observed: dict[Route, list[Observed]] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=count)

    def ask(
        self,
        route: Route,
        ask: Ask,
        claims: Mapping[str, str] | None,
        errand: Mapping[str, str],
        faults: Faults = lambda _: None,
        seconds: float = 25,
    ) -> tuple[dict[str, Any], Watch]:
        """The answer, and what passed until it was given."""
        handler = importlib.import_module(f"functions.{route.function}.handler").lambda_handler
        asked = http_event(route.method, ask, claims, errand, f"request-{next(self.numbers)}")
        with self.gate.watching(faults) as watch:
            answer = handler(asked, lambda_context(round(seconds * 1000)))
        return answer, watch

    def observed(self, route: Route) -> list[Observed]:
        """Everything that is asked of a route, by everybody, once."""
        if route not in self._observed:
            self._forget()
            self._observed[route] = list(self._observe(route))
        return self._observed[route]

    def _forget(self) -> None:
        """Empties the access log: moto copies all tables for every transaction."""
        client = Clients("us-east-1").dynamodb()
        for resource, names in _KEYS_OF_THE_LOG.items():
            table = self.tables[resource]
            for item in client.scan(TableName=table)["Items"]:
                client.delete_item(TableName=table, Key={name: item[name] for name in names})

    def _observe(self, route: Route) -> Iterator[Observed]:
        """The first thing is asked by every role on two errands; what else there is by each that
        was not refused then, or that another agency's may be for."""
        first, *others = ASKED[route.method, route.path](self)
        roles = set()
        for role in Role:
            for errand in ERRANDS[role]:
                one = self._seen(route, role, errand, first)
                if one.status != 403 or (route.method, route.path) in BY_AGENCY:
                    roles.add(role)
                yield one
        for ask in others:
            for role in Role:
                if role in roles:
                    yield self._seen(route, role, ERRANDS[role][0], ask)

    def _seen(self, route: Route, role: Role, errand: Mapping[str, str], ask: Ask) -> Observed:
        answer, watch = self.ask(route, ask, claims_of(role), errand)
        return Observed(route, role, errand, ask, answer, watch)


_KEYS_OF_THE_LOG: Final[Mapping[str, tuple[str, ...]]] = {
    "AccessLogTable": ("subject", "number"),
    "AccessHeadsTable": ("subject",),
}


@dataclass(frozen=True)
class Observed:
    """A request, its answer, and what passed until it was given."""

    route: Route
    role: Role
    errand: Mapping[str, str]
    ask: Ask
    answer: dict[str, Any]
    watch: Watch

    @property
    def status(self) -> int:
        found: int = self.answer["statusCode"]
        return found


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "test")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setattr(time, "sleep", lambda _: None)
        patch.setattr(models, "copy", _Copies)
        s3 = Clients("us-east-1").s3()
        s3.create_bucket(Bucket=BUCKET)
        aws = Aws(Clients("us-east-1").dynamodb(), s3)
        seeded = MotoTown(aws).sent(*_registry(), *GOOD, *BAD)
        worlds = seeded.worlds
        tables = {
            **{resource: worlds[kind].records_table for resource, (kind, _) in RECORDS.items()},
            "AgenciesTable": worlds["agency"].records_table,
            "LedgerTable": seeded.ledger,
            "QuarantineTable": seeded.quarantine,
            "AccessHeadsTable": seeded.heads,
            "AccessLogTable": create_table(aws.dynamodb, "AccessLogTable"),
            "AllowancesTable": create_table(aws.dynamodb, "AllowancesTable"),
        }
        sqs = boto3.client("sqs", region_name="us-east-1")
        queues = {
            f"{queue}_QUEUE_URL": sqs.create_queue(QueueName=queue.lower())["QueueUrl"]
            for queue in ("POPULATION", "INSURANCE", "DOSSIER", "REGISTRY")
        }
        settings = {
            "STAGE": "dev",
            "LOG_HASH_KEY": "k" * 32,
            "RECORD_ID_KEY": KEY.hex(),
            "DAILY_ALLOWANCE": str(MOST_LOOKS),
            "MINUTE_ALLOWANCE": "1000000",
            "QUARANTINE_BUCKET": BUCKET,
            "POWERTOOLS_SERVICE_NAME": "the-door",
            "POWERTOOLS_METRICS_NAMESPACE": "LienThong",
            **{_variable(resource): name for resource, name in tables.items()},
            **queues,
        }
        for name, value in settings.items():
            patch.setenv(name, value)
        made = (composition.query_api, composition.intake_api)
        for one in made:
            one.cache_clear()
        refused = [item["quarantine_id"] for item in worlds["person"].quarantined()]
        yield Town(Gate(tables, patch), tables, refused)
        for one in made:
            one.cache_clear()


class _Copies:
    """moto's own copies, but for those of whole tables, which it makes for every transaction to
    have them back when an action fails; here one fails only before anything was done."""

    @staticmethod
    def deepcopy(thing: Any) -> Any:
        return thing if isinstance(thing, Table) else copy.deepcopy(thing)


def _registry() -> list[dict[str, Any]]:
    insurance = agency_fields(
        period("social-insurance", "insurance-card", "person"), senders=[SYSTEM]
    )
    others = [one for one in registrations() if one["subject"] != "G24"]
    return [*others, *registrations({"G24": insurance})]


def _variable(resource: str) -> str:
    """`INSURANCE_CARDS_TABLE` of `InsuranceCardsTable`."""
    return "".join(f"_{c}" if c.isupper() else c.upper() for c in resource).lstrip("_").upper()


# Who asks, and why --------------------------------------------------------------------------

_PLACES: Final[Mapping[Role, tuple[str, Mapping[str, str]]]] = {
    Role.AGENCY_SYSTEM: ("G24", {"x-purpose": "data-sharing"}),
    Role.ONE_STOP_OFFICER: (
        "H26.12",
        {"x-purpose": "dossier-handling", "x-case": "H26.12-20260303-0000001"},
    ),
    Role.INSURANCE_OFFICER: ("G24", {"x-purpose": "insurance-administration"}),
    Role.FACILITY_STAFF: ("Z0101020", {"x-purpose": "medical-examination", "x-case": "VISIT-7"}),
    Role.POPULATION_OFFICER: ("G01", {"x-purpose": "population-administration"}),
    Role.QUALITY_OFFICER: ("H26", {"x-purpose": "data-quality", "x-case": "TICKET-7"}),
    Role.INSPECTOR: ("H26", {"x-purpose": "inspection", "x-case": "QD-7"}),
    Role.AUDITOR: ("H26", {"x-purpose": "audit"}),
    Role.OPERATOR: ("H26", {"x-purpose": "operation"}),
}
_OTHER: Final[Mapping[Role, Mapping[str, str]]] = {
    Role.ONE_STOP_OFFICER: {"x-purpose": "subject-request", "x-case": "YC-7"},
    Role.FACILITY_STAFF: _PLACES[Role.INSPECTOR][1],
    Role.AUDITOR: _PLACES[Role.POPULATION_OFFICER][1],
}
ERRANDS: Final[Mapping[Role, Sequence[Mapping[str, str]]]] = {
    role: [errand, *([_OTHER[role]] if role in _OTHER else [])]
    for role, (_, errand) in _PLACES.items()
}
"""Role -> its own purpose, and of some another that they may have or not."""


def claims_of(role: Role) -> dict[str, str]:
    if role is Role.AGENCY_SYSTEM:
        return {"sub": SYSTEM, "client_id": SYSTEM, "token_use": "access"}
    return {
        "sub": f"sub-{role}",
        "username": f"account-{role}",
        "client_id": "people",
        "token_use": "access",
        "agency": _PLACES[role][0],
        "roles": str(role),
    }


# What is asked ------------------------------------------------------------------------------

Asks = Callable[[Town], list[Ask]]


def _record(town: Town, kind: str, key: str) -> str:
    return town.opaque.record(kind, key)


def _records(path: str, kind: str, *keys: str) -> Asks:
    """The path with the opaque ids of these records, of another kind's, and of none."""

    def asks(town: Town) -> list[Ask]:
        ids = [_record(town, kind, key) for key in keys]
        other = INSURANCE_CARD.name if kind == "person" else "person"
        ids += [_record(town, other, INSURANCE_NUMBER if other != "person" else PERSON_ID)]
        return [Ask(path.format(record=id_)) for id_ in (*ids, "A" * 40)]

    return asks


def _history(town: Town) -> list[Ask]:
    asks = []
    for kind, key in (
        ("person", PERSON_ID),
        ("insurance-card", INSURANCE_NUMBER),
        ("dossier", LONE_DOSSIER),
    ):
        path = f"/v1/records/{_record(town, kind, key)}/history"
        asks += [Ask(path), Ask(path, "at=2026-12-01T00:00:00Z")]
    path = f"/v1/records/{_record(town, 'person', NOBODY)}/history"
    return [*asks, Ask(path), Ask(path, "at=2020-01-01T00:00:00Z")]


def _entries(suffix: str, *bodies: Any) -> Asks:
    """Each message that was refused, and one that is not there."""

    def asks(town: Town) -> list[Ask]:
        ids = [*town.quarantined, "0" * 64] if not bodies[1:] else town.quarantined
        path = "/v1/quarantine/{}" + suffix
        return [Ask(path.format(id_), body=body) for id_ in ids for body in bodies or (None,)]

    return asks


_DAY: Final = RECORDED_AT[:10]
"""When everything of the town was recorded."""
_THEN: Final = f"queue=population,insurance&since={_DAY}&until={_DAY}"


def _bulk(path: str, **more: Any) -> Asks:
    then = {"since": _DAY, "until": _DAY}
    select = {"queue": ["population", "insurance"], **then}
    return lambda _: [
        Ask(path, body={"select": select, "why": "Thử", "dry_run": True, **more}),
        Ask(
            path,
            body={
                "select": {"source": "/agencies/G24", **then},
                "why": "Thử",
                "dry_run": True,
                **more,
            },
        ),
    ]


def _deferrals(town: Town) -> list[Ask]:
    """Of a look that there is, and of one that there is not."""
    lookup = ROUTES[0]
    assert lookup.path == "/v1/people/lookups"
    ask = Ask(lookup.path, body={"personal_id": PERSON_ID})
    inspector = claims_of(Role.INSPECTOR)
    town.ask(lookup, ask, inspector, _PLACES[Role.INSPECTOR][1])
    body = {"until": "2027-01-31", "why": "Thử"}
    return [
        Ask(f"/v1/access-log/{town.opaque.entry(subject, number)}/deferrals", body=body)
        for subject, number in ((f"person/{PERSON_ID}", 1), (f"person/{PERSON_ID}", 9999))
    ]


def _published(town: Town) -> list[Ask]:
    del town
    good = event("insurance-card.updated", {"address": "đường Hỏng"}, id_="new-1")
    foreign = event("person.updated", {"phone": "0900000071"}, id_="new-2")
    kind = "application/cloudevents-batch+json"
    return [
        Ask("/v1/events", body=[good, foreign], content_type=kind),
        Ask("/v1/events", body=[GOOD[4]], content_type=kind),
        Ask("/v1/events", body=[BAD[1]], content_type=kind),
    ]


def _plain(*asks: Ask) -> Asks:
    return lambda _: list(asks)


_PATCH: Final = [{"op": "replace", "path": "/data/phone", "value": "0900000079"}]
ASKED: Final[Mapping[tuple[str, str], Asks]] = {
    ("POST", "/v1/people/lookups"): _plain(
        *(
            Ask("/v1/people/lookups", body=body)
            for body in (
                {"personal_id": PERSON_ID},
                {"personal_id": NOBODY},
                {"insurance_number": INSURANCE_NUMBER},
                {"insurance_number": LONE_CARD},
                {"old_identity_number": "012345678"},
            )
        )
    ),
    ("POST", "/v1/dossiers/lookups"): _plain(
        *(
            Ask("/v1/dossiers/lookups", body={"dossier_code": code})
            for code in (DOSSIER_CODE, LONE_DOSSIER, "H26.12-20260303-9999999")
        )
    ),
    ("POST", "/v1/people/searches"): _plain(
        *(
            Ask("/v1/people/searches", body={"name": name, **more})
            for name, more in (
                ("nguyen thi hoa mau", {"year_of_birth": 1990}),
                ("nguyen thi hoa mau", {"commune": "00072"}),
                ("Nguyễn Thị Hoà Mẫu", {"date_of_birth": "1991-02-03", "limit": 1}),
                ("nguyen khong ai", {"year_of_birth": 1990}),
            )
        )
    ),
    ("GET", "/v1/people/{record}"): _records("/v1/people/{record}", "person", PERSON_ID, NOBODY),
    ("GET", "/v1/insurance-cards/{record}"): _records(
        "/v1/insurance-cards/{record}", "insurance-card", INSURANCE_NUMBER, LONE_CARD, "0999999999"
    ),
    ("GET", "/v1/dossiers"): _plain(
        Ask("/v1/dossiers"),
        Ask("/v1/dossiers", "agency=H26.12&due_before=2027-01-01T00:00:00Z"),
        Ask("/v1/dossiers", "agency=K02"),
    ),
    ("GET", "/v1/dossiers/{record}"): _records(
        "/v1/dossiers/{record}", "dossier", DOSSIER_CODE, LONE_DOSSIER
    ),
    ("GET", "/v1/records/{record}/history"): _history,
    ("GET", "/v1/events"): _plain(
        *(
            Ask("/v1/events", f"source=/agencies/{source}&id={id_}")
            for source, id_ in (
                ("G01", "p-1"),
                ("G24", "c-1"),
                ("H26.12", "d-1"),
                ("G01", "b-1"),
                ("G24", "b-2"),
                ("G24", "nothing"),
            )
        )
    ),
    ("GET", "/v1/people/{record}/access-log"): _records(
        "/v1/people/{record}/access-log", "person", PERSON_ID, NOBODY
    ),
    ("GET", "/v1/access-log"): _plain(
        Ask("/v1/access-log", "agency=H26.12"),
        Ask("/v1/access-log", "officer=sub-inspector"),
        Ask("/v1/access-log", "purpose=inspection"),
    ),
    ("POST", "/v1/access-log/{entry}/deferrals"): _deferrals,
    ("GET", "/v1/me"): _plain(Ask("/v1/me")),
    ("GET", "/v1/openapi.json"): _plain(Ask("/v1/openapi.json")),
    ("GET", "/v1/docs"): _plain(Ask("/v1/docs")),
    ("POST", "/v1/events"): _published,
    ("GET", "/v1/quarantine"): _plain(
        Ask("/v1/quarantine", _THEN),
        Ask("/v1/quarantine", f"source=/agencies/G24&{_THEN}"),
        Ask("/v1/quarantine", f"by=queue&{_THEN}"),
    ),
    ("GET", "/v1/quarantine/{entry}"): _entries(""),
    ("POST", "/v1/quarantine/{entry}/replays"): _entries(
        "/replays",
        {"why": "Thử", "patch": _PATCH, "dry_run": True},
        {"why": "Thử", "body": BAD[0], "dry_run": True},
    ),
    ("POST", "/v1/quarantine/{entry}/dismissals"): _entries("/dismissals", {"dry_run": True}),
    ("POST", "/v1/quarantine/replays"): _bulk("/v1/quarantine/replays"),
    ("POST", "/v1/quarantine/corrections"): _bulk("/v1/quarantine/corrections", patch=_PATCH),
    ("POST", "/v1/quarantine/dismissals"): _bulk("/v1/quarantine/dismissals"),
}
"""Route -> what is asked of it: what there is, what there is not, what is another's."""


# What has to hold ---------------------------------------------------------------------------

FAILED: Final = 500


def assert_noted(route: Route, ask: Ask, answer: Mapping[str, Any], watch: Watch) -> None:
    """Whatever was read is covered by an entry, and whatever is shown is listed as seen, apart
    from what the caller has just written in a correction."""
    if route.open:
        assert not watch.calls  # what it shows are examples: nothing was read for it
        return
    shown = _shown_in(str(answer["body"]))
    for text in shown - _written_in(ask):
        listed = [place for place in VALUES[text] if _is_listed(place, watch.entries)]
        assert listed, f"{route.path} shows {text}, which no entry lists as seen"
    if answer["statusCode"] >= FAILED:
        return  # nothing was released
    subjects = {entry.subject for entry in watch.entries}
    listed_records = {key for entry in watch.entries for key in (*entry.seen, *entry.masked)}
    searched = any(entry.action == "search" for entry in watch.entries)
    for key in watch.read:
        kind, _, name = key.partition("/")
        if kind in ("quarantine", "object"):
            assert watch.entries, f"{route.path} reads a refused message and notes nothing"
            assert any(_is_about(name, entry) for entry in watch.entries), key
            continue
        if searched and key not in listed_records:
            texts = {text for text, places in VALUES.items() if _only_of(key, places)}
            assert not texts & shown
            continue
        assert SUBJECTS[key] in subjects, f"{route.path} reads {key} and notes {subjects}"
        assert key in listed_records or kind == "ledger", f"{route.path} reads {key}, unlisted"


def _shown_in(body: str) -> set[str]:
    """The stated values that an answer holds: as a text of their own, the longer ones anywhere."""
    try:
        texts = set(strings_in(json.loads(body)))
    except ValueError:
        texts = {body}
    plain = json.dumps(sorted(texts), ensure_ascii=False)
    return {text for text in VALUES if text in texts or (len(text) >= 8 and text in plain)}


def _written_in(ask: Ask) -> set[str]:
    """What a correction states."""
    body = ask.body if isinstance(ask.body, dict) else {}
    return set(strings_in([body.get("body"), body.get("patch")]))


def _is_listed(place: tuple[str, str], entries: Sequence[AccessEntry]) -> bool:
    record, name = place
    for entry in entries:
        for seen in (entry.seen.get(record, ()),):
            if name in seen or any(one.partition("/")[0].rstrip("s") == name for one in seen):
                return True
    return False


def _is_about(quarantine_id: str, entry: AccessEntry) -> bool:
    """Whether an entry names a refused message, or the selection that it was found by."""
    note = entry.note or {}
    return note.get("quarantine") == quarantine_id or "select" in note or not entry.allowed


def _only_of(key: str, places: set[tuple[str, str]]) -> bool:
    return {record for record, _ in places} == {key}


READS_NOTHING: Final = frozenset(
    {
        ("GET", "/v1/me"),
        ("GET", "/v1/openapi.json"),
        ("GET", "/v1/docs"),
        ("GET", "/v1/access-log"),
        ("GET", "/v1/people/{record}/access-log"),
        ("POST", "/v1/access-log/{entry}/deferrals"),
        ("POST", "/v1/events"),
        ("GET", "/v1/quarantine"),
        ("POST", "/v1/quarantine/dismissals"),
    }
)
"""Routes that read neither a record nor the body of a refused message."""
BY_AGENCY: Final = frozenset(
    {
        ("GET", "/v1/events"),
        ("POST", "/v1/events"),
        ("GET", "/v1/quarantine/{entry}"),
    }
)
"""Routes where an agency may have what is its own and is refused what is another's."""
BY_ROUTE: Final = pytest.mark.parametrize(
    "route", ROUTES, ids=[f"{route.method} {route.path}" for route in ROUTES]
)


def test_every_route_of_the_api_is_known_here() -> None:
    assert set(ASKED) == {(route.method, route.path) for route in ROUTES}


@BY_ROUTE
def test_what_is_read_is_noted_and_what_is_shown_is_listed(route: Route, town: Town) -> None:
    for one in town.observed(route):
        assert one.status < FAILED, one
        assert_noted(route, one.ask, one.answer, one.watch)
        if _is_noted(route) and one.status in (200, 202, 403, 404):
            # An id that nobody was ever given names nothing: no table is asked.
            nothing = not one.watch.calls
            assert one.watch.entries or nothing, f"{route.path} as {one.role}: not noted"
    statuses = {one.status for one in town.observed(route)}
    assert statuses & {200, 202}, "nobody was answered, so nothing was shown"
    read = {read for one in town.observed(route) for read in one.watch.read}
    assert read or (route.method, route.path) in READS_NOTHING, (
        "nothing was read, so nothing was proved"
    )
    if route.reads and route.path != "/v1/me":
        assert 403 in statuses, "nobody was refused"


@BY_ROUTE
def test_who_is_not_signed_in_or_has_no_agency_or_no_purpose_reads_nothing(
    route: Route, town: Town
) -> None:
    if route.open:
        return
    (ask, *_) = ASKED[route.method, route.path](town)
    _, errand = _PLACES[Role.INSPECTOR]
    stranger = {**claims_of(Role.INSPECTOR), "agency": "H99.99"}
    asked: list[tuple[Mapping[str, str] | None, Mapping[str, str], int]] = [
        (None, errand, 401),
        (stranger, errand, 403),
    ]
    if route.reads:
        asked.append((claims_of(Role.INSPECTOR), {}, 400))
    for claims, why, status in asked:
        answer, watch = town.ask(route, ask, claims, why)
        assert answer["statusCode"] == status
        assert not watch.read
        assert not _shown_in(answer["body"])


# Faults -------------------------------------------------------------------------------------


def _on_the_log(fault: Fault) -> Faults:
    """The fault wherever the access log is written."""
    return lambda call: fault if call.operation == "TransactWriteItems" else None


def _conflict(call: Call, _: Callable[[], Any]) -> Any:
    from tests.faults import aws_error

    reasons = [{"Code": "TransactionConflict"} for _ in call.request["TransactItems"]]
    raise aws_error("TransactionCanceledException", call.operation, CancellationReasons=reasons)


def _reads(fault: Fault) -> Faults:
    return lambda call: fault if call.operation in ("BatchGetItem", "Query", "GetItem") else None


def _nth(number: int, fault: Fault) -> Faults:
    return lambda call: fault if call.number == number else None


UNAVAILABLE: Final[Mapping[str, Faults]] = {
    "the log is not to be reached": _on_the_log(answers("InternalServerError", 500)),
    "a storm of conflicts": _on_the_log(_conflict),
}
"""What the log does that leaves nothing to release."""
PASSING: Final[Mapping[str, Faults]] = {
    "reads fail": _reads(answers("InternalServerError", 500)),
    "the first call fails": _nth(1, answers("InternalServerError", 500)),
    "the second call fails": _nth(2, answers("InternalServerError", 500)),
    "the answer of the log is lost": _on_the_log(lost()),
    "the log is not for us": _on_the_log(answers("AccessDeniedException")),
}


QUICK: Final = 2.5
"""Seconds that a request has in which something fails over and over."""


def _is_noted(route: Route) -> bool:
    """Whether an answer of it is noted: all but what is the same for everybody, what tells callers
    about themselves alone, and what only takes events in."""
    return route.reads and route.path != "/v1/me"


def _answered(town: Town, route: Route, besides: Role | None = None) -> Observed:
    """The first who was answered, with a record or a message if anybody was; what was asked for is
    there again."""
    found = [
        one for one in town.observed(route) if one.status in (200, 202) and one.role is not besides
    ]
    ASKED[route.method, route.path](town)
    return next((one for one in found if one.watch.read), found[0])


@BY_ROUTE
def test_where_the_log_takes_nothing_nothing_is_released(route: Route, town: Town) -> None:
    if not _is_noted(route):
        return
    one = _answered(town, route)
    for name, faults in UNAVAILABLE.items():
        answer, watch = town.ask(
            route, one.ask, claims_of(one.role), one.errand, faults, seconds=QUICK
        )
        assert not watch.entries
        assert answer["statusCode"] == 503, (name, answer)
        assert not _shown_in(answer["body"]), name


@BY_ROUTE
def test_whatever_fails_what_is_answered_was_noted(route: Route, town: Town) -> None:
    one = _answered(town, route)
    for faults in PASSING.values():
        answer, watch = town.ask(
            route, one.ask, claims_of(one.role), one.errand, faults, seconds=QUICK
        )
        if answer["statusCode"] >= 400:
            assert not _shown_in(answer["body"])
        assert_noted(route, one.ask, answer, watch)


@BY_ROUTE
def test_a_process_that_ends_before_it_noted_has_answered_nothing(route: Route, town: Town) -> None:
    if not _is_noted(route):
        return
    one = _answered(town, route)
    with pytest.raises(Died):
        town.ask(route, one.ask, claims_of(one.role), one.errand, _on_the_log(died_before))


# Asking too much ----------------------------------------------------------------------------


def _as_somebody_who_used_up_the_day(town: Town, role: Role) -> dict[str, str]:
    """The claims of a new officer of the role with no look left, today and tomorrow."""
    claims = {**claims_of(role), "sub": f"busy-{next(town.numbers)}"}
    client = Clients("us-east-1").dynamodb()
    now = datetime.now(UTC)
    for at in (now, now + timedelta(days=1)):
        key = day_allowance(claims["sub"], vietnam_day(instant(at)))
        item: Any = {"allowance": {"S": key}, "looks": {"N": str(MOST_LOOKS)}}
        client.put_item(TableName=town.tables["AllowancesTable"], Item=item)
    return claims


def _on_the_mark(fault: Fault) -> Faults:
    """The fault where it is noted that somebody was stopped."""

    def chosen(call: Call) -> Fault | None:
        noting = call.operation == "TransactWriteItems"
        return fault if noting and any("told" in str(one) for one in call.actions) else None

    return chosen


@BY_ROUTE
def test_who_asks_too_much_is_shown_nothing_and_leaves_one_entry(
    route: Route, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not _is_noted(route):
        return
    answered = _answered(town, route, besides=Role.AGENCY_SYSTEM)
    monkeypatch.setattr(models, "copy", copy)  # here a transaction fails at its end
    claims = _as_somebody_who_used_up_the_day(town, answered.role)
    statuses, noted = [], []
    for faults in (_on_the_mark(answers("InternalServerError", 500)), *[lambda _: None] * 3):
        answer, watch = town.ask(
            route, answered.ask, claims, answered.errand, faults, seconds=QUICK
        )
        assert not _shown_in(answer["body"])
        statuses.append(answer["statusCode"])
        noted.append(watch)
    assert statuses == [503, 429, 429, 429]
    assert [len(watch.entries) for watch in noted] == [0, 1, 0, 0]
    _, first, *_ = noted
    (entry,) = first.entries
    assert (entry.officer, entry.allowed, entry.rules) == (claims["sub"], False, ())
    assert stopped_by(entry) is Window.DAY
    about = {SUBJECTS[key] for key in entry.masked if key in SUBJECTS}
    assert len(about) != 1 or about == {entry.subject}
    assert len(about) < 2 or entry.subject == f"caller/{claims['sub']}"
    compared = entry.action == Action.SEARCH  # with more people than were found
    assert compared or {key for key in first.read if key in SUBJECTS} <= entry.masked.keys()


# Who reads ----------------------------------------------------------------------------------

READERS: Final[Mapping[str, frozenset[str]]] = {
    **{resource: frozenset({"reader"}) for resource in RECORDS},
    "LedgerTable": frozenset({"reader"}),
    "QuarantineTable": frozenset({"reader", "desk"}),
    "QuarantineBucket": frozenset({"desk"}),
}
"""Table -> the adapters that may read it for the API."""


@BY_ROUTE
def test_only_the_door_reads_records_and_only_the_desk_refused_messages(
    route: Route, town: Town
) -> None:
    for one in town.observed(route):
        for read in one.watch.reads:
            assert read.adapter in READERS[read.table], read


FUNCTIONS: Final = Path(__file__).parents[3] / "functions"
INDEXES: Final = frozenset({"by-person", "by-applicant", "by-name", "by-old-number", "by-handler"})


def test_no_other_adapter_knows_the_indexes_of_the_records() -> None:
    knowing = {
        path.stem
        for path in (FUNCTIONS / "shared" / "adapters").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in INDEXES
    }
    assert knowing == {"reader"}


API_MODULES: Final = ("query", "desk", "desk_answers", "publishing", "api")
MAY_USE: Final = frozenset({"desk", "opaque", "outbox"})
"""Adapters whose names the services of the API may use; none of them reads a record."""


def test_the_services_of_the_api_have_no_other_way_to_the_tables() -> None:
    runtime = FUNCTIONS / "shared" / "runtime"
    for module in API_MODULES:
        path = runtime / module
        files = sorted(path.glob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
        for file in files:
            for name in _imported(file):
                assert name.partition(".")[0] not in ("boto3", "botocore"), file
                if name.startswith("functions.shared.adapters."):
                    assert name.split(".")[3] in MAY_USE, (file.name, name)


def _imported(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module == "functions.shared.adapters":
                yield from (f"{node.module}.{alias.name}" for alias in node.names)
