"""No log line of a function holds personal data or a sender's text, whatever goes wrong (G5)."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from itertools import count
from typing import TYPE_CHECKING, Any, Final
from unicodedata import normalize
from urllib.parse import quote

import pytest

from infra.local import deployment
from tests.builders import event
from tests.e2e.delivery import Sent, contents, denied, known, send, settle, taken, unconserved

if TYPE_CHECKING:
    from tests.e2e.conftest import Deployed

PERSONAL: Final = {
    "name": "Vũ Kín Đáo",
    "other name": "Hoàng Ẩn Danh",
    "personal id": "079299700017",
    "other personal id": "079299700024",
    "old number": "079970001",
    "telephone": "0977000117",
    "address": "Số 7 ngõ Giấu Mặt",
    "birth": "1999-07-17",
    "insurance number": "0799700017",
    "card number": "DN4790799700017",
    "dossier code": "H26.12-20260303-0997001",
    "handler": "Cán bộ Bí Mật",
    "step text": "Xác minh việc riêng tư",
    "event id": "viec-rieng-1",
    "id of a bad event": "viec-rieng-2",
    "unknown field": "benh_nen_kin",
    "its value": "benh-tim-kin",
    "unknown agency": "H97.1717",
    "registered agency": "H97.1818",
    "type": "com.example.chuyen-kin",
    "agency": "Phòng khám Kín Tiếng",
    "nonsense": "khong-phai-json-kin",
}
"""What no log may hold; it is found nowhere else in the project."""


def person(fields: Mapping[str, Any], **attributes: Any) -> dict[str, Any]:
    """An event of a person, about whom logs have nothing to say."""
    return event("person.updated", fields, key=PERSONAL["personal id"], **attributes)


def good() -> list[Sent]:
    """Events that are taken, personal in every field."""
    p = PERSONAL
    id_ = p["event id"]
    identity = {
        "full_name": p["name"],
        "date_of_birth": p["birth"],
        "sex": "female",
        "old_identity_number": p["old number"],
        "phone": p["telephone"],
        "residence": {"commune": "00004", "address": p["address"]},
    }
    rival = {"full_name": p["other name"]}
    card = {
        "personal_id": p["personal id"],
        "full_name": p["name"],
        "card": {"number": p["card number"]},
    }
    dossier = {
        "applicant": {"kind": "citizen", "name": p["name"], "personal_id": p["personal id"]},
        "step": {
            "id": id_,
            "at": "2026-03-03T02:00:00Z",
            "handler": p["handler"],
            "text": p["step text"],
        },
    }
    agency = {"name": p["agency"]}
    events = (
        person(identity, id_=id_),
        person(rival, id_=id_, source="/agencies/G03"),
        event("insurance-card.updated", card, key=p["insurance number"], id_=id_),
        event("dossier.updated", dossier, key=p["dossier code"], id_=id_),
        event("agency.changed", agency, key=p["registered agency"], id_=id_),
    )
    return [taken(document) for document in events]


def bad() -> list[Sent]:
    """Messages that are refused, with personal data wherever a sender may have put it."""
    p = PERSONAL
    numbers = count(1)

    def wrong(**fields: Any) -> dict[str, Any]:
        return person(fields, id_=f"{p['id of a bad event']}-{next(numbers)}")

    called = {"phone": p["telephone"]}
    unknown = p["unknown field"]
    documents: list[tuple[Any, str, str]] = [
        (f"{p['nonsense']} {p['name']} {p['telephone']}", "not-json", ""),
        (f'{{"{unknown}": 1, "{unknown}": 2}}', "not-json", ""),
        (f"{p['name']} " * 20_000, "too-large", ""),
        ([p["name"], p["personal id"]], "not-cloudevent", ""),
        ({**wrong(**called), "time": p["birth"]}, "not-cloudevent", "/time"),
        ({**wrong(**called), "source": p["name"]}, "not-cloudevent", "/source"),
        ({**wrong(**called), "type": p["type"]}, "unknown-type", "/type"),
        ({**wrong(**called), "subject": p["other personal id"]}, "subject-mismatch", "/subject"),
        (wrong(**{unknown: p["its value"]}), "invalid-data", f"/data/{unknown}"),
        (wrong(sex=p["name"]), "invalid-data", "/data/sex"),
        (wrong(full_name=f"{p['name']}\0"), "invalid-data", "/data/full_name"),
        (wrong(residence=p["address"]), "invalid-data", "/data/residence"),
        ({**wrong(**called), "time": "2999-07-17T00:00:00Z"}, "time-in-future", "/time"),
        (
            {**wrong(**called), "source": f"/agencies/{p['unknown agency']}"},
            "source-not-permitted",
            "/source",
        ),
        (person({"full_name": p["other name"]}, id_=p["event id"]), "id-reused", "/id"),
    ]
    return [
        Sent("population", text, ((code, path),))
        for document, code, path in documents
        for text in [
            document if isinstance(document, str) else json.dumps(document, ensure_ascii=False)
        ]
    ]


def undeliverable() -> list[Sent]:
    """Events that nothing is wrong with, for functions that cannot take them now."""
    p = PERSONAL
    id_, called = f"{p['event id']}-undeliverable", {"phone": p["telephone"]}
    events = (
        person(called, id_=id_),
        event("insurance-card.updated", called, key=p["insurance number"], id_=id_),
        event("dossier.updated", {"procedure_name": p["name"]}, key=p["dossier code"], id_=id_),
    )
    return [taken(document) for document in events]


@pytest.fixture(scope="module")
def refused(stack: Deployed) -> list[Sent]:
    """Sends what a log might tell of, also to functions that are denied or misconfigured."""
    settle(stack)
    before = known(stack)
    accepted, wrong, lost = good(), bad(), undeliverable()
    send(stack, accepted)
    settle(stack)
    send(stack, wrong)
    settle(stack)
    with (
        denied(stack, "PopulationSyncFunction", "dynamodb:PutItem"),
        stack.environment("InsuranceSyncFunction", RECORDS_TABLE=PERSONAL["nonsense"]),
        stack.environment("DossierSyncFunction", LOG_HASH_KEY="short"),
    ):
        send(stack, lost, visibility=1)
        settle(stack)
    given_up = [Sent(message.queue, message.body, (("gave-up", ""),)) for message in lost]
    found = contents(stack, before)
    assert unconserved([*accepted, *wrong, *given_up], found) == []
    return [*wrong, *given_up]


def forms(text: str) -> set[str]:
    """How a text might look in a log."""
    composed = {normalize(form, text) for form in ("NFC", "NFD")}
    return {
        form.casefold()
        for one in composed
        for form in (
            one,
            json.dumps(one)[1:-1],
            quote(one),
            repr(one.encode())[2:-1],
            hashlib.sha256(one.encode()).hexdigest(),
        )
    }


def test_no_log_holds_personal_data_or_what_a_sender_wrote(
    stack: Deployed, refused: list[Sent]
) -> None:
    assert refused
    for log in (stack.logs().casefold(), stack.server_log().casefold()):
        told = [name for name, text in PERSONAL.items() if any(f in log for f in forms(text))]
        assert told == []


def test_the_logs_tell_what_happened_under_keyed_hashes(
    stack: Deployed, refused: list[Sent]
) -> None:
    key = deployment.log_hash_key(stack.site).encode()
    hashes = {hmac.digest(key, message.body.encode(), "sha256")[:8].hex() for message in refused}
    lines = [json.loads(line) for line in stack.logs().splitlines() if line.startswith("{")]

    told = {line.get("message") for line in lines}
    assert {"A message was refused.", "A batch was worked."} <= told
    assert hashes <= {line.get("body_hash") for line in lines}
    assert {"gave-up", "not-json", "id-reused"} <= {
        reason for line in lines for reason in line.get("reasons", ())
    }
    assert any(line.get("level") == "ERROR" for line in lines)
