"""Messages that are refused: a class for every way to be wrong, with the reasons it will get.

Each spoils a copy of a good event, under an id of its own, so that the good one still arrives.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from infra.city.agencies import JUSTICE, SCANNING_COMPANY, Agencies
from infra.city.chance import Chance
from schemas.envelope import MAX_DATA_BYTES, MAX_MESSAGE_BYTES
from schemas.event_types import KEY_OF_KIND

Event = dict[str, Any]
Reasons = tuple[tuple[str, str], ...]
"""(Code, JSON Pointer) in the order in which the service will list them."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a spoiler may draw on."""

    chance: Chance
    agencies: Agencies


@dataclass(frozen=True, slots=True)
class Spoiler:
    """A class of bad messages.

    `spoil` makes a body of an event that it may change at will. It takes events of `kind` (any,
    where empty), of the type `what`, that state `needs`; `for_ever` asks for an agency whose
    period is open.
    """

    name: str
    reasons: Reasons
    spoil: Callable[[Event, Circumstances], bytes]
    kind: str = ""
    what: str = ""
    needs: str = ""
    reuses_id: bool = False
    for_ever: bool = False

    def takes(self, what: str, data: Mapping[str, Any]) -> bool:
        """Whether it can spoil an event of that type with that data."""
        if self.kind and what.partition(".")[0] != self.kind:
            return False
        if self.what and what != self.what:
            return False
        value: Any = data
        for name in self.needs.split("/") if self.needs else ():
            if not isinstance(value, dict) or name not in value:
                return False
            value = value[name]
        return True


def _written(event: Event) -> bytes:
    return orjson.dumps(event)


def _text(change: Callable[[str, Event], str]) -> Callable[[Event, Circumstances], bytes]:
    """Spoils what is written."""
    return lambda event, _: change(_written(event).decode(), event).encode()


def _event(change: Callable[[Event], object]) -> Callable[[Event, Circumstances], bytes]:
    """Spoils the event before it is written."""

    def spoil(event: Event, _: Circumstances) -> bytes:
        change(event)
        return _written(event)

    return spoil


def _attribute(name: str, value: Any) -> Callable[[Event, Circumstances], bytes]:
    """Gives an attribute a wrong value; None leaves it out."""
    if value is None:
        return _event(lambda event: event.pop(name))
    return _event(lambda event: event.update({name: value}))


def _set(path: str, value: Any) -> Callable[[Event, Circumstances], bytes]:
    """Gives a place in the data a wrong value."""
    return _changed(path, lambda _: value)


def _changed(path: str, change: Callable[[Any], Any]) -> Callable[[Event, Circumstances], bytes]:
    *outer, last = path.split("/")

    def spoil(event: Event) -> None:
        place = event["data"]
        for name in outer:
            place = place[name]
        place[last] = change(place.get(last))

    return _event(spoil)


def _european(date: str) -> str:
    """dd/mm/yyyy, as people write it."""
    return "/".join(reversed(date.split("-")))


def _key(event: Event) -> str:
    return KEY_OF_KIND[event["type"].split(".")[2]]


def _without_zeros(event: Event) -> None:
    """A spreadsheet takes the number for a number, and the file is written from it."""
    short = event["subject"].lstrip("0")
    event["subject"] = event["data"][_key(event)] = short


def _zeros_lost_in_data(event: Event) -> None:
    event["data"][_key(event)] = event["data"][_key(event)].lstrip("0")


def _only_key(event: Event) -> None:
    event["type"] = f"vn.lienthong.{event['type'].split('.')[2]}.updated.v1"
    event["data"] = {_key(event): event["data"][_key(event)]}


def _with_key(**fields: Any) -> Callable[[Event], object]:
    """Leaves the key and puts these fields beside it."""
    return lambda event: event.update(data={_key(event): event["data"][_key(event)], **fields})


def _as(what: str, **fields: Any) -> Callable[[Event, Circumstances], bytes]:
    """An event of another type of the same kind, with these fields."""

    def spoil(event: Event) -> None:
        event["type"] = f"vn.lienthong.{what}.v1"
        _with_key(**fields)(event)

    return _event(spoil)


def _other_subject(event: Event) -> None:
    subject = event["subject"]
    event["subject"] = subject[:-1] + str((int(subject[-1]) + 1) % 10)


def _escaped(path: str, text: str) -> Callable[[Event, Circumstances], bytes]:
    """Text that only a JSON escape can carry."""

    def spoil(event: Event, _: Circumstances) -> bytes:
        event["data"][path] += text
        return json.dumps(event).encode()

    return spoil


def _said_by(
    speaker: Callable[[Circumstances], str], time: str = "", **data: Any
) -> Callable[[Event, Circumstances], bytes]:
    """Said by an agency that may not, perhaps at another time, perhaps with other data."""

    def spoil(event: Event, now: Circumstances) -> bytes:
        event["source"] = f"/agencies/{speaker(now)}"
        if time:
            event["time"] = time
        if data:
            _as(f"{event['type'].split('.')[2]}.updated", **data)(event, now)
        return _written(event)

    return spoil


def _commune_office(now: Circumstances) -> str:
    return f"{now.agencies.centre}.{1001 + now.chance.below(20)}"


def _district_office(now: Circumstances) -> str:
    return f"{now.agencies.centre}.{401}"


def _department(now: Circumstances) -> str:
    return now.chance.one_of(tuple(now.agencies.departments.values()))


def _facility(now: Circumstances) -> str:
    return now.chance.one_of(now.agencies.facilities)


def _a_second_later(event: Event) -> None:
    """Another instant: the last digit of the seconds differs."""
    time = event["time"]
    event["time"] = f"{time[:18]}{(int(time[18]) + 1) % 10}{time[19:]}"


def _buddhist(event: Event) -> None:
    year, rest = int(event["time"][:4]) + 543, event["time"][4:]
    event["time"] = f"{year}{rest.replace('-02-29', '-02-28')}"


def _too_large(event: Event, _: Circumstances) -> bytes:
    event["data"]["scan"] = "A" * MAX_MESSAGE_BYTES
    return _written(event)


def _one(code: str, path: str = "") -> Reasons:
    return ((code, path),)


def _invalid(path: str) -> Reasons:
    return _one("invalid-data", f"/data/{path}" if path else "/data")


_NOT_JSON: Final = _one("not-json")
_SOURCE: Final = _one("source-not-permitted", "/source")

SPOILERS: Final = (
    # not-json
    Spoiler("cut-off", _NOT_JSON, _text(lambda text, _: text[: len(text) * 3 // 5])),
    Spoiler("trailing-comma", _NOT_JSON, _text(lambda text, _: f"{text[:-1]},}}")),
    Spoiler("single-quotes", _NOT_JSON, lambda event, _: repr(event).encode()),
    Spoiler("not-a-number", _NOT_JSON, _text(lambda text, _: f'{{"score":NaN,{text[1:]}')),
    Spoiler("key-twice", _NOT_JSON, _text(lambda text, e: f'{{"id":"{e["id"]}",{text[1:]}')),
    Spoiler("two-in-one", _NOT_JSON, _text(lambda text, _: f"{text}{text}")),
    Spoiler("byte-order-mark", _NOT_JSON, _text(lambda text, _: f"\ufeff{text}")),
    Spoiler(
        "forty-levels-deep",
        _NOT_JSON,
        _text(lambda text, _: f'{{"list":{"[" * 40}{"]" * 40},{text[1:]}'),
    ),
    Spoiler(
        "xml",
        _NOT_JSON,
        _text(lambda _, e: f"<CongDan><MaYeuCau>{e['id']}</MaYeuCau></CongDan>"),
    ),
    Spoiler(
        "spreadsheet-row",
        _NOT_JSON,
        _text(lambda _, e: f"{e['id']};{e['subject']};01/02/1990;Nữ;"),
    ),
    Spoiler(
        "error-page",
        _NOT_JSON,
        _text(lambda _, e: f"<html><h1>502 Bad Gateway</h1><!-- {e['id']} --></html>"),
    ),
    # too-large
    Spoiler("scan-inside", _one("too-large"), _too_large),
    # not-cloudevent
    Spoiler("no-id", _one("not-cloudevent", "/id"), _attribute("id", None)),
    Spoiler("no-source", _one("not-cloudevent", "/source"), _attribute("source", None)),
    Spoiler("no-subject", _one("not-cloudevent", "/subject"), _attribute("subject", None)),
    Spoiler("no-time", _one("not-cloudevent", "/time"), _attribute("time", None)),
    Spoiler(
        "old-specversion", _one("not-cloudevent", "/specversion"), _attribute("specversion", "0.3")
    ),
    Spoiler(
        "time-without-offset",
        _one("not-cloudevent", "/time"),
        _event(lambda e: e.update(time=e["time"][:19])),
    ),
    Spoiler(
        "time-as-digits",
        _one("not-cloudevent", "/time"),
        _event(lambda e: e.update(time="".join(c for c in e["time"][:19] if c.isdigit()))),
    ),
    Spoiler(
        "source-is-an-address",
        _one("not-cloudevent", "/source"),
        _attribute("source", "http://10.0.0.5/dichvucong"),
    ),
    Spoiler(
        "source-in-old-form",
        _one("not-cloudevent", "/source"),
        _attribute("source", "/agencies/000.00.12.H26"),
    ),
    Spoiler(
        "attribute-with-capitals",
        _one("not-cloudevent", "/maYeuCau"),
        _attribute("maYeuCau", "1"),
    ),
    Spoiler("sequence-is-a-number", _one("not-cloudevent", "/sequence"), _attribute("sequence", 7)),
    Spoiler(
        "says-it-is-xml",
        _one("not-cloudevent", "/datacontenttype"),
        _attribute("datacontenttype", "application/xml"),
    ),
    Spoiler("fraction-outside", _one("not-cloudevent", "/score"), _attribute("score", 0.5)),
    Spoiler("list-of-events", _one("not-cloudevent"), lambda e, _: orjson.dumps([e])),
    Spoiler(
        "written-twice", _one("not-cloudevent"), lambda e, _: orjson.dumps(_written(e).decode())
    ),
    # unknown-type, unsupported-version
    Spoiler(
        "type-of-another-system",
        _one("unknown-type", "/type"),
        _attribute("type", "DongBoHoSoMC"),
    ),
    Spoiler(
        "type-that-is-none",
        _one("unknown-type", "/type"),
        _event(lambda e: e.update(type=f"vn.lienthong.{e['type'].split('.')[2]}.synced.v1")),
    ),
    Spoiler(
        "version-two",
        _one("unsupported-version", "/type"),
        _event(lambda e: e.update(type=f"{e['type'][:-1]}2")),
    ),
    # subject-mismatch
    Spoiler("other-subject", _one("subject-mismatch", "/subject"), _event(_other_subject)),
    Spoiler(
        "zeros-lost-in-data",
        (("subject-mismatch", "/subject"), ("invalid-data", "/data/personal_id")),
        _event(_zeros_lost_in_data),
        kind="person",
    ),
    # invalid-data, any kind
    Spoiler("unknown-field", _invalid("ghi_chu"), _set("ghi_chu", "đã đối soát")),
    Spoiler("no-data", _invalid(""), _attribute("data", None)),
    Spoiler(
        "data-as-text",
        _invalid(""),
        _event(lambda e: e.update(data=orjson.dumps(e["data"]).decode())),
    ),
    Spoiler("nothing-but-the-key", _invalid(""), _event(_only_key)),
    Spoiler(
        "data-over-16-kib",
        _invalid(""),
        _event(_with_key(phone="0" * MAX_DATA_BYTES)),
        kind="person",
    ),
    # invalid-data, people
    Spoiler("zeros-lost", _invalid("personal_id"), _event(_without_zeros), kind="person"),
    Spoiler(
        "old-number-as-number",
        _invalid("old_identity_number"),
        _changed("old_identity_number", int),
        kind="person",
        needs="old_identity_number",
    ),
    Spoiler(
        "birth-as-people-write-it",
        _invalid("date_of_birth"),
        _changed("date_of_birth", lambda d: _european(d) if len(d) > 4 else "01/01/1950"),
        kind="person",
        needs="date_of_birth",
    ),
    Spoiler(
        "no-such-day",
        _invalid("date_of_birth"),
        _changed("date_of_birth", lambda date: f"{date[:4]}-02-30"),
        kind="person",
        needs="date_of_birth",
    ),
    Spoiler(
        "sex-as-a-word",
        _invalid("sex"),
        _changed("sex", {"male": "Nam", "female": "Nữ"}.get),
        kind="person",
        needs="sex",
    ),
    Spoiler(
        "sex-as-a-digit",
        _invalid("sex"),
        _changed("sex", {"male": 1, "female": 2}.get),
        kind="person",
        needs="sex",
    ),
    Spoiler("no-name", _invalid("full_name"), _set("full_name", "  "), needs="full_name"),
    Spoiler(
        "name-of-two-hundred",
        _invalid("full_name"),
        _set("full_name", "Nguyễn " * 30),
        needs="full_name",
    ),
    Spoiler("nul-in-name", _invalid("full_name"), _escaped("full_name", "\0"), needs="full_name"),
    Spoiler(
        "half-a-character",
        _invalid("full_name"),
        _escaped("full_name", "\ud83d"),
        needs="full_name",
    ),
    Spoiler(
        "registered-without-name",
        _invalid("full_name"),
        _event(lambda e: e["data"].pop("full_name")),
        what="person.registered",
    ),
    Spoiler(
        "moved-nowhere",
        _invalid(""),
        _as("person.moved", phone="0600000000"),
        kind="person",
        needs="residence",
    ),
    Spoiler(
        "commune-of-four-digits",
        _invalid("residence/commune"),
        _changed("residence/commune", lambda code: code[1:]),
        kind="person",
        needs="residence",
    ),
    Spoiler(
        "residence-as-text",
        _invalid("residence"),
        _changed("residence", lambda place: place["address"]),
        kind="person",
        needs="residence",
    ),
    Spoiler(
        "residence-without-commune",
        _invalid("residence/commune"),
        _event(lambda e: e["data"]["residence"].pop("commune")),
        kind="person",
        needs="residence",
    ),
    Spoiler(
        "phone-with-dots",
        _invalid("phone"),
        _changed("phone", lambda phone: f"{phone[:4]}.{phone[4:7]}.{phone[7:]}"),
        kind="person",
        needs="phone",
    ),
    Spoiler(
        "alive-in-words",
        _invalid("life/status"),
        _set("life/status", "Còn sống"),
        what="person.registered",
        needs="life",
    ),
    Spoiler(
        "level-as-text",
        _invalid("eid/level"),
        _set("eid/level", "2"),
        kind="person",
        needs="eid",
    ),
    Spoiler(
        "four-faults",
        (
            ("invalid-data", "/data/full_name"),
            ("invalid-data", "/data/date_of_birth"),
            ("invalid-data", "/data/sex"),
            ("invalid-data", "/data/shoe_size"),
        ),
        _event(
            lambda e: e["data"].update(
                full_name="", date_of_birth="31/12/1989", sex="F", shoe_size=42
            )
        ),
        what="person.registered",
    ),
    # invalid-data, cards
    Spoiler(
        "insurance-number-as-number",
        _invalid("insurance_number"),
        _changed("insurance_number", int),
        kind="insurance-card",
    ),
    Spoiler(
        "card-number-cut",
        _invalid("card/number"),
        _changed("card/number", lambda number: number[:-1]),
        kind="insurance-card",
        needs="card",
    ),
    Spoiler(
        "benefit-level-as-text",
        _invalid("card/benefit_level"),
        _changed("card/benefit_level", str),
        kind="insurance-card",
        needs="card",
    ),
    Spoiler(
        "benefit-level-six",
        _invalid("card/benefit_level"),
        _set("card/benefit_level", 6),
        kind="insurance-card",
        needs="card",
    ),
    Spoiler(
        "group-in-lower-case",
        _invalid("card/group_code"),
        _changed("card/group_code", str.lower),
        kind="insurance-card",
        needs="card",
    ),
    Spoiler(
        "validity-as-people-write-it",
        (
            ("invalid-data", "/data/card/valid_from"),
            ("invalid-data", "/data/card/valid_to"),
        ),
        _event(
            lambda e: e["data"]["card"].update(
                {n: _european(e["data"]["card"][n]) for n in ("valid_from", "valid_to")}
            )
        ),
        kind="insurance-card",
        needs="card",
    ),
    Spoiler(
        "facility-zeros-lost",
        _invalid("primary_facility"),
        _changed("primary_facility", lambda code: code[1:]),
        kind="insurance-card",
        needs="primary_facility",
    ),
    Spoiler(
        "status-in-words",
        _invalid("status"),
        _set("status", "Còn hiệu lực"),
        kind="insurance-card",
        needs="card",
    ),
    # invalid-data, dossiers
    Spoiler("accepted-as-done", _invalid("status"), _set("status", 9), what="dossier.accepted"),
    Spoiler("status-eleven", _invalid("status"), _set("status", 11), what="dossier.submitted"),
    Spoiler(
        "instant-as-digits",
        _invalid("submitted_at"),
        _changed("submitted_at", lambda at: "".join(c for c in at[:19] if c.isdigit())),
        what="dossier.submitted",
    ),
    Spoiler(
        "due-without-offset",
        _invalid("due_at"),
        _changed("due_at", lambda at: at[:19]),
        what="dossier.accepted",
        needs="due_at",
    ),
    Spoiler(
        "amount-as-a-fraction",
        _invalid("fee/amount"),
        _changed("fee/amount", float),
        kind="dossier",
        needs="fee",
    ),
    Spoiler(
        "amount-beyond-2-53",
        _invalid("fee/amount"),
        _set("fee/amount", 2**53 + 1),
        kind="dossier",
        needs="fee",
    ),
    Spoiler(
        "paid-in-words",
        _invalid("fee/paid"),
        _set("fee/paid", "đã thu"),
        kind="dossier",
        needs="fee",
    ),
    Spoiler(
        "channel-as-a-digit", _invalid("channel"), _set("channel", "2"), what="dossier.submitted"
    ),
    Spoiler(
        "procedure-without-dot",
        _invalid("procedure_code"),
        _changed("procedure_code", lambda code: code.replace(".", "")),
        what="dossier.submitted",
    ),
    Spoiler(
        "applicant-as-a-digit",
        _invalid("applicant/kind"),
        _set("applicant/kind", 1),
        what="dossier.submitted",
    ),
    Spoiler(
        "satisfaction-ten", _invalid("satisfaction"), _set("satisfaction", 10), what="dossier.rated"
    ),
    Spoiler(
        "step-without-id",
        _invalid("step/id"),
        _event(lambda e: e["data"]["step"].pop("id")),
        kind="dossier",
        needs="step",
    ),
    # time-in-future
    Spoiler(
        "clock-in-another-century",
        _one("time-in-future", "/time"),
        _attribute("time", "2099-01-01T00:00:00+07:00"),
        for_ever=True,
    ),
    Spoiler(
        "buddhist-year",
        _one("time-in-future", "/time"),
        _event(_buddhist),
        for_ever=True,
    ),
    # source-not-permitted
    Spoiler("unknown-agency", _SOURCE, _said_by(lambda _: "H99.01")),
    Spoiler(
        "commune-before-its-time",
        _SOURCE,
        _said_by(_commune_office, "2025-06-30T16:00:00+07:00", phone="0600000000"),
        kind="person",
    ),
    Spoiler(
        "district-after-its-time",
        _SOURCE,
        _said_by(_district_office, "2025-07-02T09:00:00+07:00"),
        kind="dossier",
    ),
    Spoiler("department-speaks-of-people", _SOURCE, _said_by(_department), kind="person"),
    Spoiler(
        "company-that-publishes-nothing",
        _SOURCE,
        _said_by(lambda _: SCANNING_COMPANY),
        kind="dossier",
    ),
    Spoiler("registry-speaks-of-records", _SOURCE, _said_by(lambda _: "registry")),
    Spoiler(
        "justice-states-identity-card",
        _one("source-not-permitted", "/data/identity_card"),
        _said_by(lambda _: JUSTICE, identity_card={"issued_on": "2024-05-06"}),
        kind="person",
    ),
    Spoiler(
        "facility-moves-a-card",
        _one("source-not-permitted", "/data/primary_facility"),
        _said_by(_facility, primary_facility="01020", address="số 1 phố Mới"),
        kind="insurance-card",
    ),
    # id-reused
    Spoiler(
        "same-id-other-time",
        _one("id-reused", "/id"),
        _event(_a_second_later),
        reuses_id=True,
    ),
    Spoiler(
        "same-id-other-statement",
        _one("id-reused", "/id"),
        _changed("address", lambda address: f"{address}, phòng 2"),
        kind="insurance-card",
        needs="address",
        reuses_id=True,
    ),
)

WEIGHTS: Final[Mapping[str, int]] = {
    "zeros-lost": 6,
    "zeros-lost-in-data": 3,
    "birth-as-people-write-it": 6,
    "sex-as-a-word": 5,
    "unknown-field": 3,
    "validity-as-people-write-it": 4,
    "facility-zeros-lost": 3,
    "due-without-offset": 3,
    "instant-as-digits": 3,
    "time-without-offset": 2,
}
"""How often a class comes in one round of them all; the others come once."""


def rounds() -> tuple[Spoiler, ...]:
    """One round: the classes in an order that mixes them, the frequent ones several times."""
    turns = [
        (turn, position, spoiler)
        for position, spoiler in enumerate(SPOILERS)
        for turn in range(WEIGHTS.get(spoiler.name, 1))
    ]
    # A stride coprime to the number of classes scatters neighbours of the table.
    stride = 37
    return tuple(
        spoiler for _, _, spoiler in sorted(turns, key=lambda t: (t[0], t[1] * stride % 1009))
    )
