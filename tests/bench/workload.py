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
from itertools import count
from typing import Any, Final

from functions.shared.adapters.dynamodb import item_from_record
from functions.shared.core.kinds import PERSON
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
    if number >= crowd or key != _key_of_person(number):
        return None
    item: dict[str, Any] = _on_the_wire(item_from_record(_registered(number)))
    return item


def _registered(number: int) -> Record:
    event = read(person(number, number), PERSON).event
    assert event is not None
    statements = [
        Statement(field, PERSON.ranks_of(field)["population"], value)
        for field, value in event.statements
    ]
    record = new_record(PERSON.name, event.key)
    lanes, _ = fold(record.lanes, event.envelope.stamp, statements)
    head = hashlib.sha256(event.core).hexdigest()
    return Record(PERSON.name, event.key, lanes, 1, head, event.envelope.time)


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


def _key_of_person(number: int) -> str:
    return f"001{number % 2}{(1940 + number % 60) % 100:02d}{number % LARGEST_CROWD:06d}"


def _name(number: int) -> str:
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
        "personal_id": _key_of_person(holder),
        "full_name": _name(holder),
        "date_of_birth": f"{1940 + holder % 60}-{1 + holder % 12:02d}-{1 + holder % 28:02d}",
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
            "name": _name(code),
            "personal_id": _key_of_person(code),
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
    key = _key_of_person(who)
    street = _STREETS[who % len(_STREETS)]
    data = {
        "personal_id": key,
        "full_name": _name(who),
        "date_of_birth": f"{1940 + who % 60}-{month:02d}-{day:02d}",
        "sex": "female" if who % 2 else "male",
        "nationality": "VN",
        "ethnicity_code": "01",
        "marital_status_code": "2",
        "old_identity_number": f"01{who % 10_000_000:07d}",
        "identity_card": {"issued_on": f"2021-{month:02d}-10", "expires_on": "2031-01-10"},
        "life": {"status": "alive"},
        "residence": {
            "commune": f"{who % 600:05d}",
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


def _on_the_wire(value: Any) -> Any:
    """An item as JSON carries it: bytes in base64."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {name: _on_the_wire(part) for name, part in value.items()}
    return [_on_the_wire(part) for part in value] if isinstance(value, list) else value
