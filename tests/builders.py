"""Events, messages and registries for tests; every value is made up.

`event` gives a valid event that a test bends with one argument; nothing here has flags.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final

from functions.shared.core.events import Event
from functions.shared.core.instants import instant
from functions.shared.core.kinds import AGENCY, DOSSIER, INSURANCE_CARD, KINDS, PERSON, Kind
from functions.shared.core.lanes import Statement
from functions.shared.core.ledger import LedgerEntry
from functions.shared.core.planning import Circumstances, Loaded, Message, plan_round
from functions.shared.core.reading import Reading, read
from functions.shared.core.registry import Agency, Period, Senders, agency_from

PERSON_ID: Final = "001190000017"
OTHER_PERSON_ID: Final = "001085000024"
INSURANCE_NUMBER: Final = "0123456790"
DOSSIER_CODE: Final = "H26.12-20260303-0000003"
AGENCY_ID: Final = "H26.77"
KEYS: Final[Mapping[str, str]] = {
    PERSON.name: PERSON_ID,
    INSURANCE_CARD.name: INSURANCE_NUMBER,
    DOSSIER.name: DOSSIER_CODE,
    AGENCY.name: AGENCY_ID,
}
"""Record kind -> the key that its events here have unless told otherwise."""
SOURCES: Final[Mapping[str, str]] = {
    PERSON.name: "/agencies/G01",
    INSURANCE_CARD.name: "/agencies/G24",
    DOSSIER.name: "/agencies/H26.12",
    AGENCY.name: "/agencies/registry",
}
"""Record kind -> a source that may state every field of it."""

TIME: Final = "2026-03-03T02:00:00.000000Z"
SENT_AT: Final = "2026-11-22T08:00:00.000000Z"
"""When the queue received the messages of tests: after every event's time."""
RECORDED_AT: Final = "2026-11-22T08:00:01.000000Z"
SENDER: Final = "AROAEXAMPLEEXAMPLEG01"

ANYONE: Final = Senders(anyone=True)

Fields = Mapping[str, Any]


def event(
    type_: str = "person.updated",
    fields: Fields | None = None,
    *,
    key: str | None = None,
    source: str | None = None,
    id_: str = "e-1",
    time: str = TIME,
    **attributes: Any,
) -> dict[str, Any]:
    """A CloudEvent as a dictionary; `type_` is without prefix and version."""
    kind = kind_of_type(type_)
    key = KEYS[kind.name] if key is None else key
    stated = _SOMETHING[kind.name] if fields is None else fields
    return {
        "specversion": "1.0",
        "id": id_,
        "source": SOURCES[kind.name] if source is None else source,
        "type": f"vn.lienthong.{type_}.v1",
        "subject": key,
        "time": time,
        **attributes,
        "data": {kind.key: key, **stated},
    }


_SOMETHING: Final[Mapping[str, Fields]] = {
    PERSON.name: {"phone": "0900000001"},
    INSURANCE_CARD.name: {"phone": "0900000002"},
    DOSSIER.name: {"channel": "online"},
    AGENCY.name: {"name": "Cơ quan Mẫu"},
}


def kind_of_type(type_: str) -> Kind:
    """The kind of an event type's name (`person.moved`)."""
    return KINDS[type_.partition(".")[0]]


def body(document: object) -> str:
    """A message's body: the JSON of a document, letters as they are, half surrogates escaped."""
    text = json.dumps(document, ensure_ascii=False)
    return json.dumps(document) if _HALF_SURROGATE.search(text) else text


_HALF_SURROGATE: Final = re.compile("[\ud800-\udfff]")


_message_ids: Final = count(1)


def message(
    content: Mapping[str, Any] | str, *, sent_at: str = SENT_AT, sender: str | None = SENDER
) -> Message:
    """A message as a queue delivers it; an event is made its body."""
    text = content if isinstance(content, str) else body(content)
    return Message(f"message-{next(_message_ids)}", text, sent_at, sender)


def messages(contents: Iterable[Mapping[str, Any] | str]) -> list[Message]:
    """One message for each event or body."""
    return [message(content) for content in contents]


def understood(document: Mapping[str, Any]) -> Event:
    """The event that a document is; fails where it is refused."""
    kind = KINDS[document["type"].split(".")[2]]
    reading = read(body(document), kind)
    assert reading.event is not None, reading.reasons
    return reading.event


def reading_of(document: Mapping[str, Any] | str, kind: Kind = PERSON) -> Reading:
    """What a message on the kind's queue turns out to be."""
    return read(document if isinstance(document, str) else body(document), kind)


def codes(reading: Reading) -> list[str]:
    """The reasons' codes, in their order."""
    return [reason.code for reason in reading.reasons]


def places(reading: Reading) -> list[tuple[str, str]]:
    """The reasons' codes and paths, in their order."""
    return [(reason.code, reason.path) for reason in reading.reasons]


# The registry -------------------------------------------------------------------------------


def period(kind: str, *publishes: str, since: str = "2020-01-01", until: str = "") -> Fields:
    """A period as the registry's events state it."""
    return {
        "kind": kind,
        "publishes": list(publishes),
        "from": since,
        **({"to": until} if until else {}),
    }


def agency_fields(*periods: Fields, senders: Sequence[str] = ()) -> Fields:
    """What an agency's registration states."""
    return {"name": "Cơ quan Mẫu", "senders": list(senders), "periods": list(periods)}


AGENCIES: Final[Mapping[str, Fields]] = {
    "G01": agency_fields(
        period("population", "person", "insurance-card", since="2016-01-01"), senders=[SENDER]
    ),
    "G03": agency_fields(period("justice", "person")),
    "G24": agency_fields(period("social-insurance", "insurance-card", "person")),
    "H26": agency_fields(period("one-stop", "dossier", "person")),
    # Two-level government, from 1 July 2025: the same agency, another kind.
    "H26.12": agency_fields(
        period("department", "dossier", until="2025-06-30"),
        period("one-stop", "dossier", "person", since="2025-07-01"),
    ),
    # Handed over from one register to another.
    "H26.40": agency_fields(
        period("justice", "person", until="2025-06-30"),
        period("population", "person", "insurance-card", since="2025-07-01"),
    ),
    # Abolished in the same reform.
    "H26.33": agency_fields(period("one-stop", "dossier", until="2025-06-30")),
    "K02": agency_fields(period("ministry", "dossier")),
    "Z0101020": agency_fields(period("facility", "insurance-card")),
    "H26.90": agency_fields(period("other", "person", "insurance-card", "dossier")),
    "H26.91": agency_fields(period("other")),
}
"""The registry of tests: agencies of every kind, some of whose periods begin or end."""


def registry(agencies: Mapping[str, Fields] = AGENCIES) -> dict[str, Agency]:
    """The agencies by id."""
    return {id_: agency_from(id_, fields) for id_, fields in agencies.items()}


def registrations(agencies: Mapping[str, Fields] = AGENCIES) -> list[dict[str, Any]]:
    """The registry's own events, one per agency."""
    return [
        event("agency.registered", fields, key=id_, id_=f"registry-{id_}")
        for id_, fields in agencies.items()
    ]


def agency(kind: str, *publishes: str, senders: Iterable[str] = ()) -> Agency:
    """An agency with one open period."""
    periods = (Period(kind, frozenset(publishes), "2020-01-01", None),)
    return Agency("H26.12", frozenset(senders), periods)


# Chains -------------------------------------------------------------------------------------


def salts(first: int = 1) -> Callable[[], bytes]:
    """A source of salts that are all different and always the same."""
    numbers = count(first)
    return lambda: next(numbers).to_bytes(16, "big")


def ticking(start: str = RECORDED_AT, seconds: float = 0.001) -> Callable[[], str]:
    """A clock that goes on by some time whenever it is read."""
    moments: Iterator[int] = count()
    began = datetime.fromisoformat(start).astimezone(UTC)
    return lambda: instant(began + timedelta(seconds=seconds) * next(moments))


def circumstances(kind: Kind = PERSON, **changes: Any) -> Circumstances:
    """What a round knows besides the tables."""
    known: dict[str, Any] = {
        "kind": kind,
        "agencies": registry(),
        "senders": ANYONE,
        "recorded_at": RECORDED_AT,
        "salt": salts(),
    }
    return Circumstances(**{**known, **changes})


def entries_of(*documents: Mapping[str, Any]) -> list[LedgerEntry]:
    """The ledger entries of events of one record, planned one after the other."""
    kind = kind_of_type(documents[0]["type"].removeprefix("vn.lienthong."))
    arrived = messages(documents)
    readings = {i: read(m.body, kind) for i, m in enumerate(arrived)}
    plan = plan_round(arrived, readings, Loaded({}, {}), circumstances(kind))
    assert not plan.refused, plan.refused
    (change,) = plan.changes
    return list(change.entries)


def statements(**values: Any) -> list[Statement]:
    """Statements of rank 10, by field."""
    return [Statement(field, 10, value) for field, value in values.items()]


# Lambda -------------------------------------------------------------------------------------

QUEUE_ARN: Final = "arn:aws:sqs:ap-southeast-1:123456789012:lienthong-population"
SENT_AT_MILLISECONDS: Final = round(datetime.fromisoformat(SENT_AT).timestamp() * 1000)


def sqs_record(
    text: str,
    *,
    sender_id: str = f"{SENDER}:session",
    arn: str = QUEUE_ARN,
    attributes: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """A record of an SQS event, in the form of Lambda's documentation."""
    return {
        "messageId": f"message-{next(_message_ids)}",
        "receiptHandle": "AQEBexample",
        "body": text,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": str(SENT_AT_MILLISECONDS),
            "SenderId": sender_id,
            "ApproximateFirstReceiveTimestamp": str(SENT_AT_MILLISECONDS + 2),
        },
        "messageAttributes": dict(attributes or {}),
        "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": "ap-southeast-1",
    }


def sqs_event(
    contents: Iterable[Mapping[str, Any] | str], *, arn: str = QUEUE_ARN
) -> dict[str, Any]:
    """An SQS event of these messages."""
    bodies = [content if isinstance(content, str) else body(content) for content in contents]
    return {"Records": [sqs_record(text, arn=arn) for text in bodies]}


class LambdaTime:
    """Lambda's context as far as functions use it."""

    def __init__(self, milliseconds: int) -> None:
        self._milliseconds = milliseconds

    def get_remaining_time_in_millis(self) -> int:
        return self._milliseconds


def lambda_context(milliseconds: int = 60_000) -> LambdaTime:
    """A context in which so much time is left."""
    return LambdaTime(milliseconds)
