"""Records and ledger entries as the code makes them of the released samples of event types."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from functions.shared.core.kinds import KINDS
from functions.shared.core.lanes import Record
from functions.shared.core.ledger import LedgerEntry
from functions.shared.core.planning import Circumstances, Loaded, Message, plan_round
from functions.shared.core.reading import read
from functions.shared.core.registry import Senders, agency_from

ROOT: Final = Path(__file__).parents[2]


def sample(
    name: str, key: str | None = None, fields: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A released sample, of the record `key` if it is given; `fields` in place of its own."""
    path = ROOT / "events" / "released" / "v1" / f"vn.lienthong.{name}.v1.json"
    event: dict[str, Any] = json.loads(path.read_text("utf-8"))
    of_key = KINDS[name.partition(".")[0]].key
    if key is not None:
        event["subject"] = event["data"][of_key] = key
    if fields is not None:
        kept = {} if "updated" in name else event["data"]
        event["data"] = {**kept, of_key: event["subject"], **fields}
    return event


def taken(event: Mapping[str, Any], records: dict[str, Record]) -> tuple[Record, LedgerEntry]:
    """The record with the event folded in, which `records` then has, and its ledger entry."""
    kind = KINDS[event["type"].split(".")[2]]
    sent_at = "2099-01-01T00:00:00.000000Z"
    body = json.dumps(event, ensure_ascii=False)
    message = Message("1", body, sent_at, "AROAEXAMPLEEXAMPLE0001")
    now = Circumstances(
        kind, _everybody(event, kind.name), Senders(anyone=True), sent_at, lambda: bytes(16)
    )
    plan = plan_round([message], {0: read(body, kind)}, Loaded(records, {}), now)
    (change,) = plan.changes
    records[change.after.key] = change.after
    return change.after, change.entries[0]


def _everybody(event: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """A registry in which the event's source is of the kind that owns such records."""
    owner = {"person": "population", "insurance-card": "social-insurance"}.get(kind, "one-stop")
    period = {"kind": owner, "publishes": [kind], "from": "1900-01-01"}
    agency = event["source"].rpartition("/")[2]
    return {agency: agency_from(agency, {"periods": [period]})}
