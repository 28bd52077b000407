"""Records as the API answers them, for people: each field with its source, what is hidden so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from functions.shared.core.kinds import DOSSIER
from infra.lienthong.api import Api, Document
from infra.lienthong.console import Console, markup
from infra.lienthong.provenance import local, readable, status_name
from infra.lienthong.tables import short

_STEPS: Final = "steps"
_APPLICANT: Final = "applicant"
_COLUMNS: Final = ("field", "value", "rank", "source", "time")


class Reader:
    """Whoever looks, as what is hidden from them names them."""

    def __init__(self, roles: Sequence[str]) -> None:
        self.hidden = f"(hidden from {' and '.join(roles) or 'you'})"

    @classmethod
    def of(cls, api: Api) -> Reader:
        """The reader that the API is asked as."""
        return cls(api.signed_in.roles)

    def text(self, record: Document, field: str) -> str:
        """A field's value as markup: readable, hidden, or nothing where it is not there."""
        found = record.get("fields", {}).get(field)
        return "" if found is None else self.cell(field, found, str(record.get("kind")))

    def told(self, record: Document, field: str) -> str:
        """A field in a table of many records: of an applicant the name, if there is one to see."""
        found = record.get("fields", {}).get(field, {})
        value = found.get("value") if field == _APPLICANT else None
        named = value.get("name") if isinstance(value, dict) else None
        return markup(str(named)) if named else self.text(record, field)

    def cell(self, field: str, found: Any, kind: str = "") -> str:
        """One field of an answer as markup; a plain value is taken as it is."""
        if isinstance(found, dict) and found.get("masked"):
            return f"[dim]{markup(self.hidden)}[/]"
        value = found.get("value") if isinstance(found, dict) and "value" in found else found
        if field == "status" and kind == DOSSIER.name and isinstance(value, int):
            return markup(status_name(value))
        return markup(readable(value))


def is_hidden(record: Document) -> bool:
    """Whether no field of a record may be seen."""
    fields = record.get("fields", {})
    return bool(fields) and all(found.get("masked") for found in fields.values())


def tell_record(record: Document, reader: Reader, console: Console, *, title: str) -> None:
    """The record whole: its head, its fields with rivals, its timeline, its warnings."""
    console.say(
        f"[bold]{title}[/]  version {record.get('version')}, updated "
        f"{local(str(record.get('updated_at')))}"
    )
    fields = record.get("fields", {})
    kind = str(record.get("kind"))
    console.table(
        _COLUMNS,
        _rows({n: f for n, f in fields.items() if n != _STEPS}, kind, reader),
        right=("rank",),
    )
    _tell_steps(fields.get(_STEPS), reader, console)
    tell_warnings(record, console)


def _rows(fields: Document, kind: str, reader: Reader) -> Iterator[Sequence[str]]:
    for name, found in fields.items():
        if found.get("masked"):
            yield (markup(name), reader.cell(name, found), "", "", "")
            continue
        yield (markup(name), reader.cell(name, found, kind), *_provenance(found))
        for rival in found.get("rivals") or ():
            state = "disputed" if rival.get("disputed") else "rival"
            style = "yellow" if rival.get("disputed") else "dim"
            cells = (f"  └ {state}", reader.cell(name, rival, kind), *_provenance(rival))
            yield tuple(f"[{style}]{cell}[/]" if cell else "" for cell in cells)


def _provenance(found: Document) -> tuple[str, str, str]:
    """Rank, source and time; a key, which nobody states, has none."""
    rank, source, time = found.get("rank"), found.get("source"), found.get("time")
    return (
        "" if rank is None else str(rank),
        markup(short(str(source))) if source else "",
        local(str(time)) if time else "",
    )


def _tell_steps(found: Any, reader: Reader, console: Console) -> None:
    if found is None:
        return
    if isinstance(found, dict) and found.get("masked"):
        console.say(f"\nTimeline {reader.cell(_STEPS, found)}")
        return
    tell_timeline(found.get("value") if isinstance(found, dict) else found, console)


def tell_timeline(
    steps: Iterable[Document] | None, console: Console, *, titled: bool = True
) -> None:
    """The steps of a dossier in their order; nothing where there is none."""
    rows = [
        (
            local(str(step.get("at", ""))),
            status_name(step.get("status")),
            markup(step.get("text") or ""),
            markup(", ".join(filter(None, map(step.get, ("handler", "position", "unit"))))),
            local(step.get("due_at") or ""),
            markup(short(step.get("source") or "")),
        )
        for step in steps or ()
    ]
    if rows:
        if titled:
            console.say("\n[bold]Timeline[/]")
        console.table(("at", "status", "what", "by", "due", "source"), rows)


def tell_warnings(record: Document, console: Console) -> None:
    """What does not fit together; a warning about a hidden field does not name it."""
    found = record.get("warnings") or ()
    if not found:
        return
    console.say("\n[bold]Warnings[/]")
    console.table(
        ("warning", "what it says"),
        (
            (
                "[yellow]"
                + markup(":".join(filter(None, (w.get("code"), w.get("field")))))
                + "[/]",
                markup(w.get("text") or ""),
            )
            for w in found
        ),
    )


def tell_dossiers(
    dossiers: Sequence[Document],
    reader: Reader,
    console: Console,
    *,
    of_one_agency: bool = False,
) -> None:
    """A line for each dossier of which something may be seen, and how many others there are.

    Those of one person name who handles them, those of one agency who applied.
    """
    seen = [dossier for dossier in dossiers if not is_hidden(dossier)]
    columns = {
        "dossier": "dossier_code",
        **({"applicant": _APPLICANT} if of_one_agency else {}),
        "state": "status",
        "procedure": "procedure_name",
        **({} if of_one_agency else {"handled by": "handling_agency"}),
        "received": "received_at",
        "due": "due_at",
        "finished": "finished_at",
    }
    shown = {
        title: field
        for title, field in columns.items()
        if any(field in dossier.get("fields", {}) for dossier in seen)
    }
    if seen:
        console.table(
            tuple(shown),
            ([reader.told(dossier, field) for field in shown.values()] for dossier in seen),
        )
    if hidden := len(dossiers) - len(seen):
        more = f"{hidden} more" if seen else str(hidden)
        console.say(f"[dim]{more} {markup(reader.hidden)}[/]")
