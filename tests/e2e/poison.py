"""Messages that are refused, for every reason there is, each with exactly the reasons expected.

Numbers make the keys; tests that share a stack take them from ranges of their own. Every value
is made up.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.builders import event
from tests.e2e.delivery import QUEUE_OF, Place, Sent

Document = dict[str, Any]

KINDS: Final = ("person", "insurance-card", "dossier", "agency")
TYPES: Final[Mapping[str, str]] = {
    "person": "person.updated",
    "insurance-card": "insurance-card.updated",
    "dossier": "dossier.updated",
    "agency": "agency.changed",
}
TEXT: Final[Mapping[str, str]] = {
    "person": "full_name",
    "insurance-card": "full_name",
    "dossier": "procedure_name",
    "agency": "name",
}
"""Record kind -> a field of it that is text."""
MEGABYTE: Final = 1024 * 1024
LARGEST_MESSAGE: Final = 262_144
DEEPEST: Final = 32


def key_of(kind: str, number: int) -> str:
    """The key of a record of that kind; `number` has at most six digits."""
    match kind:
        case "person":
            return f"001190{number:06}"
        case "insurance-card":
            return f"0100{number:06}"
        case "dossier":
            return f"H26.12-20260303-{number:07}"
        case "agency":
            return f"H27.{number // 1000}.{number % 1000}"
    raise AssertionError(kind)


def stating(kind: str, number: int, id_: str, **attributes: Any) -> Document:
    """An event that is taken: it states one text of a record."""
    fields = {TEXT[kind]: f"Mẫu {number}"}
    return event(TYPES[kind], fields, key=key_of(kind, number), id_=id_, **attributes)


def poisons(kind: str, label: str, numbers: Iterator[int]) -> list[Sent]:
    """Messages for the kind's queue, none of which is taken; their ids begin with `label`."""
    queue = QUEUE_OF[kind]
    found: list[Sent] = []

    def fresh(**attributes: Any) -> Document:
        number = next(numbers)
        return stating(kind, number, f"{label}-{kind}-{number}", **attributes)

    def refuse(body: str | Document | list[Any], *reasons: Place) -> None:
        text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        found.append(Sent(queue, text, reasons))

    def refuse_data(fields: Mapping[str, Any], *paths: str) -> None:
        document = fresh()
        refuse(
            {**document, "data": {**document["data"], **fields}},
            *(("invalid-data", path) for path in paths),
        )

    def with_raw(raw: str) -> str:
        """An event with raw JSON where a text belongs."""
        document = fresh()
        document["data"][TEXT[kind]] = "@"
        return json.dumps(document).replace('"@"', raw)

    text, text_path = TEXT[kind], f"/data/{TEXT[kind]}"

    # too-large
    nonsense = f"{label} {kind} "
    refuse(nonsense + "lô " * ((MEGABYTE - len(nonsense)) // 4), ("too-large", ""))
    refuse(nonsense + "x" * (LARGEST_MESSAGE + 1 - len(nonsense)), ("too-large", ""))
    refuse(with_raw(json.dumps("y" * 900_000)), ("too-large", ""))

    # not-json
    refuse(nonsense + "x" * (LARGEST_MESSAGE - len(nonsense)), ("not-json", ""))
    whole = json.dumps(fresh())
    refuse(whole[: len(whole) // 2], ("not-json", ""))
    refuse(whole + "}", ("not-json", ""))
    refuse("\ufeff" + whole, ("not-json", ""))
    refuse(whole.replace('"data":', '"data": {}, "data":'), ("not-json", ""))
    refuse(with_raw(f'"a", "{text}": "b"'), ("not-json", ""))
    refuse(with_raw("NaN"), ("not-json", ""))
    refuse(with_raw('"a tab\tin a text"'), ("not-json", ""))
    refuse(with_raw(r'"\ud83d\u12"'), ("not-json", ""))
    refuse(with_raw(_nested(DEEPEST - 1)), ("not-json", ""))
    refuse("[" * 100_000 + nonsense, ("not-json", ""))
    refuse(with_raw('{"a":' * 40_000), ("not-json", ""))

    # not-cloudevent
    refuse([fresh()], ("not-cloudevent", ""))
    refuse(json.dumps(nonsense), ("not-cloudevent", ""))
    refuse("9" * 5_000 + str(next(numbers)), ("not-cloudevent", ""))
    refuse(
        {"specversion": 1.0, "id": nonsense},
        *(
            ("not-cloudevent", path)
            for path in ("/specversion", "/source", "/type", "/subject", "/time")
        ),
    )
    for wrong in (
        {"id": ""},
        {"id": 7},
        {"id": "a\0b"},
        {"source": "/agencies/000.00.12.H26"},
        {"subject": None},
        {"time": "2026-03-03T09:00:00"},
        {"time": 1767225600},
        {"sequence": 12},
        {"datacontenttype": "text/xml"},
        {"traceParent": "x"},
        {"weight": 1.5},
        {"count": 2**60},
    ):
        ((name, _),) = wrong.items()
        refuse({**fresh(), **wrong}, ("not-cloudevent", f"/{name}"))

    # unknown-type, unsupported-version: neither looks at the data
    foreign = "dossier.updated" if kind != "dossier" else "person.updated"
    for type_ in (
        f"vn.lienthong.{kind}.vanished.v1",
        f"vn.lienthong.{foreign}.v1",
        "com.example.thing",
    ):
        refuse({**fresh(), "type": type_, "data": []}, ("unknown-type", "/type"))
    version = {"type": f"vn.lienthong.{TYPES[kind]}.v2", "data": {"new": 1}}
    refuse({**fresh(), **version}, ("unsupported-version", "/type"))

    # subject-mismatch
    refuse({**fresh(), "subject": key_of(kind, next(numbers))}, ("subject-mismatch", "/subject"))

    # invalid-data
    for raw in ('"a\\u0000b"', '"\\ud800"', "7", "1e400", "9" * 400, "-0.0", "true", "[]", "{}"):
        refuse(with_raw(raw), ("invalid-data", text_path))
    refuse_data({"favourite/colour~": "blue"}, "/data/favourite~1colour~0")
    refuse_data({"deep": json.loads(_nested(DEEPEST - 2))}, "/data/deep")
    refuse_data({text: " \u00a0 "}, text_path)
    refuse_data({text: "z" * 2_000}, text_path)
    refuse_data({text: "z" * 20_000}, "/data")
    many = {f"field-{label}-{n:03}": n for n in range(400)}
    refuse_data(many, *(f"/data/{name}" for name in many))
    wrongs: tuple[Any, ...] = (None, [], "text", 5)
    for data in wrongs:
        refuse({**fresh(), "data": data}, ("invalid-data", "/data"))
    lonely = fresh()
    del lonely["data"][text]
    refuse(lonely, ("invalid-data", "/data"))

    # time-in-future
    refuse(fresh(time="2999-12-31T23:59:59Z"), ("time-in-future", "/time"))

    # source-not-permitted
    for source in ("/agencies/H99", "/agencies/Z010099999999"):
        refuse(fresh(source=source), ("source-not-permitted", "/source"))
    if kind == "agency":
        refuse(fresh(source="/agencies/G01"), ("source-not-permitted", "/source"))
    else:
        refuse(fresh(source="/agencies/registry"), ("source-not-permitted", "/source"))
        refuse(fresh(source="/agencies/H26.33"), ("source-not-permitted", "/source"))
    if kind == "person":
        document = fresh(source="/agencies/H26")
        document["data"] |= {"identity_card": {"issued_on": "2020-01-01"}, "replaces": ["1"]}
        refuse(
            document,
            ("invalid-data", "/data/replaces/0"),
            ("invalid-data", "/data/replaces"),
            ("source-not-permitted", "/data/identity_card"),
            ("source-not-permitted", "/data/replaces"),
        )

    # several at once, in the order of examination
    document = fresh(source="/agencies/H99", time="2999-12-31T23:59:59Z")
    document["data"] |= {"unknown": 1}
    refuse(
        {**document, "subject": key_of(kind, next(numbers))},
        ("subject-mismatch", "/subject"),
        ("invalid-data", "/data/unknown"),
        ("time-in-future", "/time"),
        ("source-not-permitted", "/source"),
    )
    return found


def reusing(document: Document) -> list[Sent]:
    """Messages with the source and id of an event that the ledger holds, and other content."""
    kind = document["type"].split(".")[2]
    queue = QUEUE_OF[kind]
    other = {**document, "data": {**document["data"], TEXT[kind]: "Tên khác"}}
    worst = {
        **other,
        "subject": key_of(kind, 999_999),
        "time": "2999-12-31T23:59:59Z",
        "data": {**other["data"], "unknown": 1},
    }
    return [
        Sent(queue, json.dumps(other), (("id-reused", "/id"),)),
        Sent(
            queue,
            json.dumps(worst),
            (
                ("subject-mismatch", "/subject"),
                ("invalid-data", "/data/unknown"),
                ("time-in-future", "/time"),
                ("id-reused", "/id"),
            ),
        ),
    ]


def _nested(levels: int) -> str:
    return "[" * levels + "]" * levels
