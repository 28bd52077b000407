"""Cities for tests, told once each, and what the service's own core makes of them."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from functions.shared.core.kinds import AGENCY, KIND_OF_QUEUE, KINDS, Kind
from functions.shared.core.lanes import Lanes, fold, shown
from functions.shared.core.planning import Circumstances, KnownEvent, Loaded, Message, plan_round
from functions.shared.core.reading import Reading, read
from functions.shared.core.registry import (
    Agency,
    Senders,
    agency_from,
    agency_id,
    ranks_of,
    refused_fields,
    standing,
)
from functions.shared.core.taking import statements_of
from infra.city.dirt import rates
from infra.city.stream import DEFAULT_SINCE, DEFAULT_UNTIL, City, Settings

SENT_AT = "2026-12-31T17:00:00.000000Z"
ANYONE = Senders(anyone=True)

Document = dict[str, Any]


@dataclass(frozen=True)
class Told:
    """A city's messages and what was told of them."""

    settings: Settings
    registry: tuple[bytes, ...]
    messages: tuple[bytes, ...]
    truth: Mapping[str, list[Document]]
    counts: Counter[str]

    @cached_property
    def bad(self) -> dict[int, Document]:
        """The bad messages' documents by line."""
        return {document["line"]: document for document in self.truth["bad"]}

    @cached_property
    def agencies(self) -> dict[str, Agency]:
        """The registry as the service reads it."""
        records: dict[str, Lanes] = {}
        for body in self.registry:
            reading = read(body.decode(), AGENCY)
            assert reading.event is not None
            assert reading.envelope is not None
            ranks = ranks_of(AGENCY, "registry", reading.event.fields)
            assert ranks is not None
            records[reading.event.key], _ = fold(
                records.get(reading.event.key, {}),
                reading.envelope.stamp,
                statements_of(reading.event, ranks),
            )
        return {key: agency_from(key, shown(AGENCY, lanes)) for key, lanes in records.items()}

    @cached_property
    def good(self) -> list[tuple[int, Kind, Reading]]:
        """(line, kind, reading) of every message that is not bad, repeats included."""
        return [
            (line, kind, read(body.decode(), kind))
            for line, body in enumerate(self.messages, 1)
            if line not in self.bad
            for kind in [kind_of(body)]
        ]

    @cached_property
    def folded(self) -> dict[tuple[str, str], Lanes]:
        """Every record's lanes, folded by the service's core in the order of the stream."""
        records: dict[tuple[str, str], Lanes] = {}
        for _, kind, reading in self.good:
            event, envelope = reading.event, reading.envelope
            assert event is not None
            assert envelope is not None
            place = (kind.name, event.key)
            agency = self.agencies[agency_id(envelope.source)]
            stands = standing(envelope, kind.name, agency, None, ANYONE)
            assert stands.agency_kind is not None
            ranks = ranks_of(kind, stands.agency_kind, event.fields)
            assert ranks is not None
            stated = statements_of(event, ranks)
            records[place], _ = fold(records.get(place, {}), envelope.stamp, stated)
        return records

    @cached_property
    def shown(self) -> dict[tuple[str, str], Document]:
        """What the service would show of every record."""
        return {place: dict(shown(KINDS[place[0]], lanes)) for place, lanes in self.folded.items()}

    def of_kind(self, kind: str) -> Iterator[tuple[str, Document]]:
        """Key and shown fields of the records of a kind."""
        return ((key, fields) for (of, key), fields in self.shown.items() if of == kind)

    def events(self) -> Iterator[Document]:
        """The good messages as dictionaries, repeats included."""
        return (
            json.loads(body) for line, body in enumerate(self.messages, 1) if line not in self.bad
        )

    def refusals(self, kind: Kind, reading: Reading) -> list[str]:
        """Why the registry would not let an event's source say it; empty when it would."""
        assert reading.envelope is not None
        agency = self.agencies.get(agency_id(reading.envelope.source))
        stands = standing(reading.envelope, kind.name, agency, None, ANYONE)
        reasons = [
            *stands.reasons,
            *refused_fields(kind, stands.agency_kind, reading.fields_of(kind)),
        ]
        return [reason.text for reason in reasons]

    def reasons(self, line: int) -> list[tuple[str, str]]:
        """What the service refuses a message for, its queue and the ledger being as they are."""
        document, body = self.bad[line], self.messages[line - 1].decode()
        kind = KIND_OF_QUEUE[document["queue"]]
        reading = read(body, kind)
        known = {}
        if reading.envelope is not None and reading.envelope.id in self.ids:
            another = KnownEvent("0" * 64, bytes(16), "", None)  # type: ignore[arg-type]  # unread
            known[reading.envelope.uid] = another
        now = Circumstances(kind, self.agencies, ANYONE, SENT_AT, lambda: bytes(16))
        message = Message("m", body, SENT_AT)
        plan = plan_round([message], {0: reading}, Loaded({}, known), now)
        return [(reason.code, reason.path) for reason in plan.refused.get(0, ())]

    @cached_property
    def ids(self) -> frozenset[str]:
        """The ids of the good events."""
        return frozenset(r.envelope.id for _, _, r in self.good if r.envelope is not None)


def kind_of(body: bytes) -> Kind:
    """The kind that a good message speaks of."""
    return KINDS[json.loads(body)["type"].split(".")[2]]


@cache
def told(
    people: int = 3000,
    dirt: str = "none",
    seed: int = 1,
    province: str = "01",
    cards: int | None = None,
    dossiers: int | None = None,
    since: int = DEFAULT_SINCE,
    until: int = DEFAULT_UNTIL,
) -> Told:
    """A city of so many people, told once for all tests."""
    settings = Settings(
        seed=seed,
        people=people,
        cards=people * 94 // 100 if cards is None else cards,
        dossiers=people // 5 if dossiers is None else dossiers,
        since=since,
        until=until,
        province=province,
        dirt=rates(dirt),
    )
    truth: defaultdict[str, list[Document]] = defaultdict(list)
    city = City(settings, tell=lambda name, document: truth[name].append(dict(document)))
    registry = tuple(city.registry())
    city.prepare()
    return Told(settings, registry, tuple(city.messages()), truth, city.counts)
