"""Questions about records: by a number, which stays in the body, or by the API's opaque id."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from functions.shared.core.kinds import DOSSIER, INSURANCE_CARD, PERSON
from infra.lienthong.api import Answer, Api, Document, in_path
from infra.lienthong.keys import RecordName
from infra.lienthong.problems import Misuse, Refused

RECORD_ID: Final = "the opaque id that an answer has as `record`"
LOOKUPS: Final = "/v1/people/lookups"
_OPAQUE: Final = re.compile("[A-Za-z0-9_-]{22,400}")
_ROUTE_OF_KIND: Final = {
    PERSON.name: "/v1/people",
    INSURANCE_CARD.name: "/v1/insurance-cards",
    DOSSIER.name: "/v1/dossiers",
}


def is_record_id(text: str) -> bool:
    """Whether a text has the form of the API's opaque ids, which no key has."""
    return (
        _OPAQUE.fullmatch(text) is not None and not text.isdigit() and _DOSSIER_CODE(text) is None
    )


_DOSSIER_CODE: Final = re.compile("[A-Z0-9.]+-[0-9]{6,8}-[0-9]{4,7}").fullmatch


def by_id(api: Api, kind: str, record: str) -> Answer:
    """The record of a kind by its opaque id."""
    return api.get(f"{_ROUTE_OF_KIND[kind]}/{in_path(record)}")


def by_name(api: Api, name: RecordName) -> tuple[Answer, Document]:
    """The answer that holds a record, and the record in it; `Refused` if it is not there.

    A person's lookup also shows, and notes, their cards and dossiers; so does a card's.
    """
    if name.kind == DOSSIER.name:
        answer = api.post("/v1/dossiers/lookups", {"dossier_code": name.key})
        return answer, answer.document
    if name.kind == INSURANCE_CARD.name:
        answer = api.post(LOOKUPS, {"insurance_number": name.key})
        cards = answer.document.get("insurance_cards") or []
        return answer, _there(_of_number(cards, name.key), name)
    if name.kind == PERSON.name:
        answer = api.post(LOOKUPS, {"personal_id": name.key})
        return answer, _there(answer.document.get("person"), name)
    raise Misuse(f"The API has no records of the kind {name.kind}.")


def _of_number(cards: list[Document], number: str) -> Document | None:
    """The card of a number; where numbers may not be seen, the one card that was found."""
    shown = [card.get("fields", {}).get("insurance_number", {}) for card in cards]
    for card, field in zip(cards, shown, strict=True):
        if field.get("value") == number:
            return card
    if len(cards) > 1 and any(field.get("masked") for field in shown):
        raise Refused(
            "The person has several cards, and which of them has this number is hidden from you. "
            "See all of them with `lienthong person --insurance-number`."
        )
    return cards[0] if len(cards) == 1 else None


def _there(record: Document | None, name: RecordName) -> Document:
    if record is None:
        raise Refused(
            f"There is no record {name}. Check the key; if an event about it was sent, "
            "`lienthong stats` tells whether it was refused."
        )
    return record


def pages(
    page: Callable[[str | None], Answer], most: int, member: str = "entries"
) -> tuple[Answer, list[Any], bool]:
    """The last answer, what all pages hold up to `most`, and whether there is more."""
    found: list[Any] = []
    cursor: str | None = None
    while True:
        answer = page(cursor)
        found += answer.document.get(member) or ()
        cursor = answer.document.get("cursor")
        if cursor is None or len(found) >= most:
            return answer, found[:most], cursor is not None or len(found) > most
