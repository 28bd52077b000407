"""Batches as the population queue delivers them, and the tables they meet.

Names and numbers are made up; every event says other things, so that nothing is measured
that only repetition makes cheap.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any, Final

from functions.shared.adapters.dynamodb import item_from_record
from functions.shared.core.kinds import PERSON
from functions.shared.core.lanes import Record, Statement, fold, new_record
from functions.shared.core.reading import read

AGENCY: Final = "G01"
SENDER: Final = "AIDABENCHPOPULATION00"
AGENCY_ITEM: Final = {
    "agency_id": {"S": AGENCY},
    "senders": {"L": [{"S": SENDER}]},
    "periods": {
        "L": [
            {
                "M": {
                    "kind": {"S": "population"},
                    "publishes": {"L": [{"S": "person"}]},
                    "from": {"S": "2021-07-01"},
                }
            }
        ]
    },
}
EXISTING: Final = 1000
"""People that the tables hold; numbers from here on are new to them."""

_FAMILIES: Final = ("Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Đặng", "Bùi", "Đỗ", "Lý")
_MIDDLE: Final = ("Văn", "Thị", "Hữu", "Đức", "Ngọc", "Minh", "Thanh", "Xuân", "Bảo", "Gia")
_GIVEN: Final = ("An", "Bình", "Chi", "Dũng", "Hà", "Hạnh", "Khánh", "Lan", "Long", "Oanh", "Tú")
_STREETS: Final = ("Hàng Trống", "Láng Hạ", "Đội Cấn", "Kim Mã", "Giảng Võ", "Hoàng Diệu")
_SENT_AT: Final = "1795300000000"


@dataclass(slots=True)
class Events:
    """A source that never repeats itself: each event has a number of its own."""

    _numbers: Iterator[int]

    def batch(self, people: list[int]) -> dict[str, Any]:
        """An SQS invocation with one event for each person of the list, in its order."""
        return {"Records": [_record(next(self._numbers), person) for person in people]}


def events() -> Events:
    """A fresh source."""
    return Events(count(EXISTING))


def new_people() -> Iterator[int]:
    """People that the tables do not hold, each once."""
    return count(EXISTING)


def existing_people() -> dict[str, Any]:
    """The table of people as the answers of DynamoDB show it: key -> item."""
    items = {}
    for number in range(EXISTING):
        record = _registered(number)
        items[record.key] = _on_the_wire(item_from_record(record))
    return items


def _registered(number: int) -> Record:
    event = read(_body(number, number), PERSON).event
    assert event is not None
    statements = [
        Statement(field, PERSON.ranks_of(field)["population"], value)
        for field, value in event.statements
    ]
    record = new_record(PERSON.name, event.key)
    lanes, _ = fold(record.lanes, event.envelope.stamp, statements)
    head = hashlib.sha256(event.core).hexdigest()
    return Record(PERSON.name, event.key, lanes, 1, head, event.envelope.time)


def _record(number: int, person: int) -> dict[str, Any]:
    body = _body(number, person)
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


def _body(number: int, person: int) -> str:
    """About 1 KB: a registration with everything that the population database states."""
    year, month, day = 1940 + person % 60, 1 + person % 12, 1 + person % 28
    sex, digit = ("female", 1) if person % 2 else ("male", 0)
    key = f"001{digit}{year % 100:02d}{person % 1_000_000:06d}"
    name = " ".join(
        (
            _FAMILIES[person % len(_FAMILIES)],
            _MIDDLE[person // 3 % len(_MIDDLE)],
            _MIDDLE[person // 5 % len(_MIDDLE)],
            _GIVEN[person // 7 % len(_GIVEN)],
        )
    )
    street = _STREETS[person % len(_STREETS)]
    second = number % 86_400
    event = {
        "specversion": "1.0",
        "id": f"registration-{number:012d}",
        "source": f"/agencies/{AGENCY}",
        "type": "vn.lienthong.person.registered.v1",
        "subject": key,
        "time": (
            f"2026-11-{1 + number // 86_400 % 20:02d}T{second // 3600:02d}:"
            f"{second // 60 % 60:02d}:{second % 60:02d}.{number % 1_000_000:06d}+07:00"
        ),
        "datacontenttype": "application/json",
        "sequence": str(number),
        "data": {
            "personal_id": key,
            "full_name": name,
            "date_of_birth": f"{year}-{month:02d}-{day:02d}",
            "sex": sex,
            "nationality": "VN",
            "ethnicity_code": "01",
            "marital_status_code": "2",
            "old_identity_number": f"01{person % 10_000_000:07d}",
            "identity_card": {"issued_on": f"2021-{month:02d}-10", "expires_on": "2031-01-10"},
            "life": {"status": "alive"},
            "residence": {
                "commune": f"{person % 600:05d}",
                "address": f"{1 + number % 300} ngõ {person % 90} phố {street}, tổ dân phố 5",
            },
            "current_residence": {
                "commune": f"{person % 500:05d}",
                "address": f"{1 + number % 200} phố {street}, tổ dân phố {person % 30}",
            },
            "birth_registration_commune": f"{person % 400:05d}",
            "household": {"head_id": key, "relation_code": "01"},
            "phone": f"09{person % 100_000_000:08d}",
            "eid": {"level": 2, "activated_at": f"2024-{month:02d}-{day:02d}T09:30:00+07:00"},
        },
    }
    return json.dumps(event, ensure_ascii=False)


def _on_the_wire(value: Any) -> Any:
    """An item as JSON carries it: bytes in base64."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {name: _on_the_wire(part) for name, part in value.items()}
    return [_on_the_wire(part) for part in value] if isinstance(value, list) else value
