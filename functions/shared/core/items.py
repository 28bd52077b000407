"""A record as its table item, in plain JSON terms: what it shows, its keys, its lanes.

Everything here is a function of the lanes alone, apart from `version`, `head`,
`updated_at` and `erasures`, so the items depend on which events arrived and on nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, cast

from functions.shared.core.canonical import canonical_of_data
from functions.shared.core.events import Json
from functions.shared.core.kinds import DOSSIER, PERSON, Kind
from functions.shared.core.lanes import Record, decode_lanes, encode_lanes, kind_of, shown
from functions.shared.core.texts import folded
from functions.shared.core.warnings import warnings

LANES: Final = "lanes"
LARGEST_ITEM: Final = 400_000
"""Bytes of a record's item. DynamoDB refuses items over 400 KB of 1,024 bytes each; the rest
is room for what sizing by JSON misses (numbers, nesting)."""
LONGEST_NAME_KEY: Final = 500
"""Characters of a folded name that the index holds. One letter may fold into many (U+FDFA into
18), and DynamoDB refuses an item whose index key has more than 2,048 bytes."""


def item_of(record: Record) -> dict[str, Json]:
    """The item of a record; `lanes` is the canonical JSON bytes of their stored form."""
    kind = kind_of(record)
    fields = shown(kind, record.lanes)
    item: dict[str, Json] = {kind.key: record.key, **fields}
    derive = _SEARCH_KEYS.get(kind.name)
    if derive is not None:
        item.update(derive(record.key, fields))
    item["warnings"] = cast(Json, warnings(kind, record.key, fields, record.lanes))
    item["version"] = record.version
    item["head"] = record.head
    item["updated_at"] = record.updated_at
    if record.erasures:
        item["erasures"] = record.erasures
    item[LANES] = encode_lanes(kind, record.lanes)
    return item


def record_of(kind: Kind, item: Mapping[str, Json], stored_lanes: list[Json]) -> Record:
    """The record of an item; `stored_lanes` is its parsed `lanes`."""
    return Record(
        kind=kind.name,
        key=cast(str, item[kind.key]),
        lanes=decode_lanes(kind, stored_lanes, item),
        version=cast(int, item["version"]),
        head=cast(str, item["head"]),
        updated_at=cast(str, item["updated_at"]),
        erasures=cast(int, item.get("erasures", 0)),
    )


def size_of(record: Record) -> int:
    """Bytes of the record's item, a little more than DynamoDB counts."""
    return size_in_json(item_of(record))


def size_in_json(item: Mapping[str, Json]) -> int:
    """Bytes of a record's item, a little more than DynamoDB counts."""
    return len(canonical_of_data({**item, LANES: None})) + len(cast(bytes, item[LANES]))


def fields_of(kind: Kind, item: Mapping[str, Json]) -> dict[str, Json]:
    """What an item shows, without its bookkeeping and search keys."""
    names = [field.name for field in kind.fields]
    names += ["steps", "replaces"]
    return {name: item[name] for name in names if name in item}


def name_key(name: str) -> str:
    """The index key of a name: its folded form, which all names near it share."""
    return (folded(name) or name)[:LONGEST_NAME_KEY]


def _person_keys(key: str, fields: Mapping[str, Json]) -> dict[str, Json]:
    name = fields.get("full_name")
    if not isinstance(name, str):
        return {}
    residence = fields.get("residence")
    commune = residence["commune"] if isinstance(residence, dict) else ""
    return {
        "name_key": name_key(name),
        "birth_key": f"{fields.get('date_of_birth', '0000')}#{commune}#{key}",
    }


def _dossier_keys(key: str, fields: Mapping[str, Json]) -> dict[str, Json]:
    keys: dict[str, Json] = {}
    applicant, status = fields.get("applicant"), fields.get("status")
    if isinstance(applicant, dict) and "personal_id" in applicant:
        keys["applicant_id"] = applicant["personal_id"]
    if isinstance(status, int) and "handling_agency" in fields:
        keys["status_due"] = f"{status:02d}#{fields.get('due_at', '')}#{key}"
    return keys


_SEARCH_KEYS: Final[Mapping[str, Callable[[str, Mapping[str, Json]], dict[str, Json]]]] = {
    PERSON.name: _person_keys,
    DOSSIER.name: _dossier_keys,
}
