"""A file of insurance cards of any size, and what is true of each of its lines.

Everything follows from the number of a card, so that neither file nor truth is ever held in memory:
the file is written as a stream, and the truth is told again whenever it is compared. Names, numbers
and addresses are made up.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from functions.shared.core.quarantine import quarantine_id

QUEUE: Final = "insurance"
SOURCE: Final = "/agencies/G24"
PERIOD: Final = 100
"""Cards after which the pattern of repeats, updates and bad lines begins anew."""

_FAMILIES: Final = ("Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Đặng", "Bùi", "Đỗ", "Lý", "Vũ", "Hồ")
_MIDDLE: Final = ("Văn", "Thị", "Hữu", "Đức", "Ngọc", "Minh", "Thanh", "Xuân", "Bảo", "Gia")
_GIVEN: Final = ("An", "Bình", "Chi", "Dũng", "Hà", "Hạnh", "Khánh", "Lan", "Long", "Oanh", "Tú")
_STREETS: Final = ("Hàng Trống", "Láng Hạ", "Đội Cấn", "Kim Mã", "Giảng Võ", "Hoàng Diệu", "Bưởi")
_GROUPS: Final = (("DN", 4), ("GD", 4), ("HT", 3), ("TE", 1), ("HS", 4), ("SV", 4), ("HN", 2))
_STEP: Final = 7_368_787
"""Spreads the numbers of the cards over the ten digits; no common factor with 10^10."""


class Fate(Enum):
    """What must become of a line."""

    TAKEN = "taken"
    """It is in the ledger, applied or superseded."""
    REPEATED = "repeated"
    """It is another line once more: whichever comes second is a duplicate."""
    REFUSED = "refused"
    """It is in quarantine."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the file: its text, the number of its card, and what must become of it.

    `reason` is the first that it is refused for, `event` the id of an event that is taken.
    """

    text: str
    card: int
    fate: Fate
    event: str = ""
    reason: str = ""

    @property
    def uid(self) -> str:
        """The ledger's key of the event."""
        return f"{SOURCE}#{self.event}"

    @property
    def quarantine_id(self) -> str:
        """The key of the quarantine's entry."""
        return quarantine_id(QUEUE, self.text)


def number_of(card: int) -> str:
    """The insurance number of a card; no two cards have the same."""
    return f"{card * _STEP % 10**10:010d}"


def lines(cards: int) -> Iterator[Line]:
    """The lines of a file of so many cards, in the file's order.

    Of a hundred cards one event comes twice, one card has a second event, one line cannot be taken
    and, every two hundred, one event comes again with other attributes that do not count.
    """
    for card in range(cards):
        yield _issued(card)
        place = card % PERIOD
        if place == 33:
            yield _repeated(card - card * 7 % min(card + 1, 5000))
        elif place == 57:
            yield _bad(card)
        elif place == 76:
            yield _updated(card - 50)
        elif place == 91 and card % (2 * PERIOD) < PERIOD:
            yield _traced(card - 90)


def events_of(card: int, cards: int) -> list[str]:
    """The ids of the events of one card that are in a file of so many."""
    found = [_issue_id(card)]
    if card % PERIOD == 26 and card + 50 < cards:
        found.append(_update_id(card))
    return found


def _issue_id(card: int) -> str:
    return f"load-{card:09d}"


def _update_id(card: int) -> str:
    return f"load-{card:09d}-address"


def _issued(card: int) -> Line:
    return Line(_text(_event(card)), card, Fate.TAKEN, _issue_id(card))


def _repeated(card: int) -> Line:
    return Line(_text(_event(card)), card, Fate.REPEATED, _issue_id(card))


def _traced(card: int) -> Line:
    event = {**_event(card), "traceparent": f"00-{card:032x}-{card:016x}-01"}
    return Line(_text(event), card, Fate.REPEATED, _issue_id(card))


def _updated(card: int) -> Line:
    """Another address: of every second such card an older one, which is superseded if it comes
    after the card; of the others a newer one, with a telephone number."""
    old = card % (2 * PERIOD) < PERIOD
    data = {
        "insurance_number": number_of(card),
        "address": f"{1 + card % 90} ngõ {card % 70} phố {_STREETS[card % len(_STREETS)]}",
    }
    event = {
        **_event(card),
        "id": _update_id(card),
        "type": "vn.lienthong.insurance-card.updated.v1",
        "time": "2025-12-31T08:00:00+07:00" if old else "2026-10-01T08:00:00+07:00",
        "data": data if old else {**data, "phone": f"09{card % 10**8:08d}"},
    }
    return Line(_text(event), card, Fate.TAKEN, _update_id(card))


def _bad(card: int) -> Line:
    event = {**_event(card), "id": f"load-{card:09d}-bad"}
    data = event["data"]
    reason = ("invalid-data", "not-json", "source-not-permitted", "time-in-future", "invalid-data")[
        card // PERIOD % 5
    ]
    match card // PERIOD % 5:
        case 0:
            short = number_of(card)[1:]
            event |= {"subject": short, "data": {**data, "insurance_number": short}}
        case 1:
            return Line(_text(event)[:-40], card, Fate.REFUSED, reason=reason)
        case 2:
            event["source"] = "/agencies/H26.12"
        case 3:
            event["time"] = "2099-01-01T00:00:00+07:00"
        case _:
            event["data"] = {**data, "sex": "Nữ", "card": {**data["card"], "benefit_level": 9}}
    return Line(_text(event), card, Fate.REFUSED, reason=reason)


def _event(card: int) -> dict[str, Any]:
    """About 0.6 KB: a card as the social insurance issues it."""
    number = number_of(card)
    year, month, day = 1940 + card % 80, 1 + card % 12, 1 + card % 28
    sex = "female" if card % 2 else "male"
    group, level = _GROUPS[card % len(_GROUPS)]
    name = " ".join(
        (
            _FAMILIES[card % len(_FAMILIES)],
            _MIDDLE[card // 3 % len(_MIDDLE)],
            _MIDDLE[card // 7 % len(_MIDDLE)],
            _GIVEN[card // 11 % len(_GIVEN)],
        )
    )
    century = 0 if year < 2000 else 2
    second = card % 86_400
    return {
        "specversion": "1.0",
        "id": _issue_id(card),
        "source": SOURCE,
        "type": "vn.lienthong.insurance-card.issued.v1",
        "subject": number,
        "time": (
            f"2026-{1 + card // 86_400 % 9:02d}-{1 + card % 27:02d}T{second // 3600:02d}:"
            f"{second // 60 % 60:02d}:{second % 60:02d}+07:00"
        ),
        "datacontenttype": "application/json",
        "sequence": str(card),
        "data": {
            "insurance_number": number,
            "personal_id": f"001{century + card % 2}{year % 100:02d}{card % 10**6:06d}",
            "full_name": name,
            "date_of_birth": f"{year}-{month:02d}-{day:02d}",
            "sex": sex,
            "address": (
                f"{1 + card % 300} ngõ {card % 90} phố {_STREETS[card % len(_STREETS)]}, "
                f"tổ dân phố {1 + card % 30}"
            ),
            "card": {
                "number": f"{group}{level}01{number}",
                "group_code": group,
                "benefit_level": level,
                "valid_from": "2026-01-01",
                "valid_to": "2026-12-31",
            },
            "five_years_from": f"{2015 + card % 10}-{month:02d}-01",
            "primary_facility": f"01{card % 1000:03d}",
            "status": "active",
        },
    }


def _text(event: dict[str, Any]) -> str:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))
