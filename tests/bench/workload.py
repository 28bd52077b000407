"""Batches as the queues deliver them, and the tables they meet.

Names and numbers are made up; every event says other things, so that nothing is measured
that only repetition makes cheap.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any, Final

from functions.shared.adapters.dynamodb import item_from_record
from functions.shared.core.items import name_key
from functions.shared.core.kinds import DOSSIER, INSURANCE_CARD, PERSON, Kind
from functions.shared.core.lanes import Record, Statement, fold, new_record
from functions.shared.core.reading import read

SENDER: Final = "AIDABENCHPOPULATION00"
_AGENCIES: Final = {
    "G01": ("population", "person"),
    "G24": ("social-insurance", "insurance-card"),
    "H26.12": ("department", "dossier"),
}
"""Agency -> its kind and what it publishes; of the reference registry."""
AGENCY_ITEMS: Final = {
    agency: {
        "agency_id": {"S": agency},
        "senders": {"L": [{"S": SENDER}]},
        "periods": {
            "L": [
                {
                    "M": {
                        "kind": {"S": kind},
                        "publishes": {"L": [{"S": published}]},
                        "from": {"S": "2021-07-01"},
                    }
                }
            ]
        },
    }
    for agency, (kind, published) in _AGENCIES.items()
}
"""The table of agencies as the answers of DynamoDB show it."""
LARGEST_CROWD: Final = 1_000_000
"""People are numbered below this; their keys end with the number."""

_FAMILIES: Final = ("Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Đặng", "Bùi", "Đỗ", "Lý")
_MIDDLE: Final = ("Văn", "Thị", "Hữu", "Đức", "Ngọc", "Minh", "Thanh", "Xuân", "Bảo", "Gia")
_GIVEN: Final = ("An", "Bình", "Chi", "Dũng", "Hà", "Hạnh", "Khánh", "Lan", "Long", "Oanh", "Tú")
_COMMON: Final = "Nguyễn Thị Thu Hương"
COMMON_EVERY: Final = 331
"""One of so many people has the commonest name, about as in a city."""
_STREETS: Final = ("Hàng Trống", "Láng Hạ", "Đội Cấn", "Kim Mã", "Giảng Võ", "Hoàng Diệu")
_SENT_AT: Final = "1795300000000"


Body = Callable[[int, int], str]
"""Makes a message of the number of its event and the number of its record."""


@dataclass(slots=True)
class Events:
    """A source that never repeats itself: each event has a number of its own."""

    _numbers: Iterator[int]

    def batch(self, records: Iterable[int], body: Body | None = None) -> dict[str, Any]:
        """An SQS invocation with one event for each record, in their order; people by default."""
        made = body or person
        return {
            "Records": [
                _message(n, made(n, r)) for r, n in zip(records, self._numbers, strict=False)
            ]
        }


def events(first: int = 0) -> Events:
    """A fresh source, its events numbered from `first` on."""
    return Events(count(first))


def person_item(key: str, crowd: int) -> dict[str, Any] | None:
    """The item of a person, if it is one of a crowd of so many, as the wire carries it.

    So a table of a million is no more than a number: each of its people is made when asked for,
    always the same one.
    """
    number = int(key[-6:])
    if number >= crowd or key != key_of_person(number):
        return None
    return item_on_the_wire(person_record(number))


def item_on_the_wire(record: Record) -> dict[str, Any]:
    """A record's item as JSON carries it."""
    item: dict[str, Any] = _on_the_wire(item_from_record(record))
    return item


def person_record(number: int) -> Record:
    """A person, registered and nothing else."""
    return _record(PERSON, "population", person(number, number))


def card_record(holder: int) -> Record:
    """The card of a person, issued and nothing else."""
    return _record(INSURANCE_CARD, "social-insurance", card(holder, holder))


def dossier_record(applicant: int) -> Record:
    """A dossier of a person, submitted and nothing else."""
    return _record(DOSSIER, "department", dossier(applicant, applicant))


def _record(kind: Kind, agency: str, body: str) -> Record:
    event = read(body, kind).event
    assert event is not None
    statements = [
        Statement(field, kind.ranks_of(field)[agency], value) for field, value in event.statements
    ]
    record = new_record(kind.name, event.key)
    lanes, _ = fold(record.lanes, event.envelope.stamp, statements)
    head = hashlib.sha256(event.core).hexdigest()
    return Record(kind.name, event.key, lanes, 1, head, event.envelope.time)


# A crowd by its names ---------------------------------------------------------------------------


def common(number: int) -> int:
    """One of those with the commonest name: the first from a person on."""
    return -(-number // COMMON_EVERY) * COMMON_EVERY


def people_named(key: str, crowd: int) -> list[tuple[str, str]]:
    """Birth key and personal id of everybody in a crowd whose name folds into a key."""
    if key == name_key(_COMMON):
        numbers: Iterable[int] = range(0, crowd, COMMON_EVERY)
    else:
        numbers = (
            number
            for place in _places_of_names().get(key, ())
            for number in range(place, crowd, _PERIOD)
            if number % COMMON_EVERY
        )
    return [(_birth_key(number), key_of_person(number)) for number in numbers]


def people_with_old_number(text: str, crowd: int) -> list[str]:
    """The personal ids of those in a crowd who have an old identity number."""
    number = int(text[2:])
    return [key_of_person(number)] if number < crowd else []


def _birth_key(number: int) -> str:
    """As the item has it; making a whole item for every namesake would take minutes."""
    return f"{_born(number)}#{_commune(number)}#{key_of_person(number)}"


@cache
def _places_of_names() -> Mapping[str, list[int]]:
    found: dict[str, list[int]] = {}
    for place in range(_PERIOD):
        found.setdefault(name_key(_other_name(place)), []).append(place)
    return found


_PERIOD: Final = 34_650
"""After so many people the names that are not the commonest begin again."""


def _message(number: int, body: str) -> dict[str, Any]:
    return {
        "messageId": f"00000000-0000-4000-8000-{number:012d}",
        "receiptHandle": "AQEB" + "x" * 180,
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": _SENT_AT,
            "SenderId": f"{SENDER}:population",
            "ApproximateFirstReceiveTimestamp": _SENT_AT,
        },
        "messageAttributes": {},
        "md5OfBody": hashlib.md5(body.encode()).hexdigest(),
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:ap-southeast-1:000000000000:population",
        "awsRegion": "ap-southeast-1",
    }


def key_of_person(number: int) -> str:
    """The personal id of a person, which ends with their number."""
    return f"001{number % 2}{(1940 + number % 60) % 100:02d}{number % LARGEST_CROWD:06d}"


def name_of(number: int) -> str:
    """The name of a person."""
    return _other_name(number) if number % COMMON_EVERY else _COMMON


def _other_name(number: int) -> str:
    return " ".join(
        (
            _FAMILIES[number % len(_FAMILIES)],
            _MIDDLE[number // 3 % len(_MIDDLE)],
            _MIDDLE[number // 5 % len(_MIDDLE)],
            _GIVEN[number // 7 % len(_GIVEN)],
        )
    )


def _time(number: int) -> str:
    second = number % 86_400
    return (
        f"2026-11-{1 + number // 86_400 % 20:02d}T{second // 3600:02d}:"
        f"{second // 60 % 60:02d}:{second % 60:02d}.{number % 1_000_000:06d}+07:00"
    )


def _event(number: int, agency: str, type_: str, key: str, data: dict[str, Any]) -> str:
    event = {
        "specversion": "1.0",
        "id": f"registration-{number:012d}",
        "source": f"/agencies/{agency}",
        "type": f"vn.lienthong.{type_}.v1",
        "subject": key,
        "time": _time(number),
        "datacontenttype": "application/json",
        "sequence": str(number),
        "data": data,
    }
    return json.dumps(event, ensure_ascii=False)


def card(number: int, holder: int) -> str:
    """A card issued, with everything that the insurance states."""
    key = f"01{holder % 100_000_000:08d}"
    data = {
        "insurance_number": key,
        "personal_id": key_of_person(holder),
        "full_name": name_of(holder),
        "date_of_birth": _born(holder),
        "sex": "female" if holder % 2 else "male",
        "address": f"{1 + number % 300} phố {_STREETS[holder % len(_STREETS)]}",
        "phone": f"09{holder % 100_000_000:08d}",
        "card": {
            "number": key,
            "group_code": "DN",
            "benefit_level": 4,
            "valid_from": "2026-01-01",
            "valid_to": "2026-12-31",
        },
        "five_years_from": f"2026-{1 + holder % 12:02d}-01",
        "primary_facility": f"01{holder % 999:03d}",
        "status": "active",
    }
    return _event(number, "G24", "insurance-card.issued", key, data)


def dossier(number: int, code: int) -> str:
    """A dossier submitted online, which makes the first step of its timeline."""
    key = f"H26.12-26{1 + code // 10_000_000 % 12:02d}02-{code % 10_000_000:07d}"
    data = {
        "dossier_code": key,
        "procedure_code": "1.004222",
        "procedure_name": "Đăng ký thường trú",
        "receiving_agency": "H26.12",
        "handling_agency": "H26.12",
        "applicant": {
            "kind": "citizen",
            "name": name_of(code),
            "personal_id": key_of_person(code),
            "phone": f"09{code % 100_000_000:08d}",
        },
        "channel": "online",
        "status": 1,
        "submitted_at": _time(number),
    }
    return _event(number, "H26.12", "dossier.submitted", key, data)


def person(number: int, who: int) -> str:
    """About 1 KB: a registration with everything that the population database states."""
    month, day = 1 + who % 12, 1 + who % 28
    key = key_of_person(who)
    street = _STREETS[who % len(_STREETS)]
    data = {
        "personal_id": key,
        "full_name": name_of(who),
        "date_of_birth": _born(who),
        "sex": "female" if who % 2 else "male",
        "nationality": "VN",
        "ethnicity_code": "01",
        "marital_status_code": "2",
        "old_identity_number": f"01{who % 10_000_000:07d}",
        "identity_card": {"issued_on": f"2021-{month:02d}-10", "expires_on": "2031-01-10"},
        "life": {"status": "alive"},
        "residence": {
            "commune": _commune(who),
            "address": f"{1 + number % 300} ngõ {who % 90} phố {street}, tổ dân phố 5",
        },
        "current_residence": {
            "commune": f"{who % 500:05d}",
            "address": f"{1 + number % 200} phố {street}, tổ dân phố {who % 30}",
        },
        "birth_registration_commune": f"{who % 400:05d}",
        "household": {"head_id": key, "relation_code": "01"},
        "phone": f"09{who % 100_000_000:08d}",
        "eid": {"level": 2, "activated_at": f"2024-{month:02d}-{day:02d}T09:30:00+07:00"},
    }
    return _event(number, "G01", "person.registered", key, data)


def _born(number: int) -> str:
    return f"{1940 + number % 60}-{1 + number // 60 % 12:02d}-{1 + number // 720 % 28:02d}"


def _commune(number: int) -> str:
    return f"{number % 600:05d}"


def _on_the_wire(value: Any) -> Any:
    """An item as JSON carries it: bytes in base64."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {name: _on_the_wire(part) for name, part in value.items()}
    return [_on_the_wire(part) for part in value] if isinstance(value, list) else value
