"""Any order, any repetition: the same events end in the same items over the real stack (G1)."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from infra.lienthong.import_log import import_events
from infra.lienthong.mapping import load
from infra.local.site import ROOT
from tests.e2e.delivery import (
    TABLES,
    Sent,
    contents,
    disagreements,
    kind_of,
    known,
    scan,
    send,
    settle,
    taken,
    unconserved,
)

if TYPE_CHECKING:
    from tests.e2e.conftest import Deployed

HISTORY: Final = [
    json.loads(line)
    for path in sorted((ROOT / "events" / "demo").glob("0*.ndjson"))
    for line in path.read_text(encoding="utf-8").splitlines()
]
"""Rival statements, withdrawals, equal times, corrections; some events more than once."""
TELL_OF_THE_ORDER: Final = frozenset({"head", "updated_at"})
MAPPING: Final = ROOT / "infra" / "reference" / "mappings" / "wabo-receipt.toml"
LOG: Final = Path("dossiers", "wabo_receipt_events.csv")
CASES: Final = 150
"""Of the log's 1,434: the whole takes the emulator more than a minute."""

Item = Mapping[str, Any]


def items(stack: Deployed, documents: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], Item]:
    """The items of the records that events are about, as stored, without what tells of order."""
    wanted = {(kind_of(document), document["subject"]) for document in documents}
    found: dict[tuple[str, str], Item] = {}
    for kind in sorted({kind for kind, _ in wanted}):
        table, key = TABLES[kind]
        for item in scan(stack, table):
            if (kind, item[key]["S"]) in wanted:
                found[kind, item[key]["S"]] = {
                    name: value for name, value in item.items() if name not in TELL_OF_THE_ORDER
                }
    return found


def forget(stack: Deployed, documents: Iterable[Mapping[str, Any]]) -> None:
    """Takes the records that events are about out of the tables, with their ledger entries."""
    keys = {(kind_of(document), document["subject"]) for document in documents}
    records = {f"{kind}/{key}" for kind, key in keys}
    deletions = [
        (stack.outputs[TABLES[kind][0]], {TABLES[kind][1]: {"S": key}}) for kind, key in keys
    ]
    deletions += [
        (stack.outputs["LedgerTable"], {"event_uid": item["event_uid"]})
        for item in scan(stack, "LedgerTable", ProjectionExpression="event_uid,record_key")
        if item["record_key"]["S"] in records
    ]
    for start in range(0, len(deletions), 25):
        request: dict[str, list[Any]] = {}
        for table, key in deletions[start : start + 25]:
            request.setdefault(table, []).append({"DeleteRequest": {"Key": key}})
        answer = stack.client("dynamodb").batch_write_item(RequestItems=request)
        assert not answer.get("UnprocessedItems")


def delivered(stack: Deployed, seed: int) -> dict[tuple[str, str], Item]:
    """The items after the history was sent into tables that know nothing of it."""
    settle(stack)
    forget(stack, HISTORY)
    before = known(stack)
    sent = [taken(document) for document in HISTORY]
    order = random.Random(seed)
    sent += order.sample(sent, len(sent) // 5)
    order.shuffle(sent)

    send(stack, sent)
    settle(stack)

    assert unconserved(sent, contents(stack, before)) == []
    return items(stack, HISTORY)


def test_two_orders_of_the_same_events_give_the_same_items_byte_for_byte(stack: Deployed) -> None:
    one = delivered(stack, seed=1)
    other = delivered(stack, seed=2)

    assert one.keys() == {(kind_of(document), document["subject"]) for document in HISTORY}
    assert one.keys() == other.keys()
    assert [key for key in one if one[key] != other[key]] == []
    assert disagreements(stack) == []


@pytest.fixture(scope="module")
def log() -> list[dict[str, str]]:
    """Rows of a fixed sample of the published log's cases."""
    folder = Path(os.environ.get("LIENTHONG_DATA") or ROOT / "../shared/data")
    if not (folder / LOG).exists():
        pytest.skip(
            f"The published log {LOG} is absent: name its folder with LIENTHONG_DATA to test it."
        )
    with (folder / LOG).open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    drawn = sorted({row["case_id"] for row in rows}, key=_draw)[:CASES]
    return [row for row in rows if row["case_id"] in drawn]


def _draw(case: str) -> bytes:
    return hashlib.sha256(case.encode()).digest()


def as_csv(rows: Sequence[Mapping[str, str]]) -> io.BytesIO:
    """The rows as the file they were read from."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return io.BytesIO(text.getvalue().encode())


def test_the_dossiers_of_a_municipality_end_as_its_log_says_in_whatever_order(
    stack: Deployed, log: list[dict[str, str]]
) -> None:
    settle(stack)
    before = known(stack)
    events = list(import_events(as_csv(log), load(MAPPING)))
    sent = [Sent("dossier", event.decode().strip()) for event in events]
    random.Random(7).shuffle(sent)

    send(stack, sent)
    settle(stack)

    assert unconserved(sent, contents(stack, before)) == []
    dossiers = list(items(stack, [message.event for message in sent]).values())
    finished = [dossier for dossier in dossiers if "finished_at" in dossier]
    late = [dossier for dossier in finished if dossier["finished_at"]["S"] > dossier["due_at"]["S"]]
    cases = {row["case_id"]: row for row in log}.values()
    closed = [case for case in cases if case["case_end"]]
    overdue = [case for case in closed if _at(case, "case_end") > _at(case, "case_deadline")]
    assert [len(dossiers), len(finished), len(late)] == [CASES, len(closed), len(overdue)]
    assert {dossier["status"]["N"] for dossier in finished} == {"9"}
    assert sum(len(dossier["steps"]["L"]) for dossier in dossiers) >= len(log)


def _at(case: Mapping[str, str], column: str) -> datetime:
    return datetime.fromisoformat(case[column])
