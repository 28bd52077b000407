"""`lienthong person`: one person with everything shared about them, as far as one may see it."""

from __future__ import annotations

import argparse
import re
from typing import Final

from functions.shared.core.kinds import PERSON
from infra.lienthong import asking
from infra.lienthong.api import Answer, Api, Document
from infra.lienthong.console import Console, markup
from infra.lienthong.lookups import LOOKUPS, RECORD_ID, by_id, is_record_id
from infra.lienthong.problems import Exit, Misuse
from infra.lienthong.record_answers import Reader, is_hidden, tell_dossiers, tell_record
from schemas.forms import (
    EXPECTED,
    INSURANCE_NUMBER_PATTERN,
    OLD_IDENTITY_NUMBER_PATTERN,
    PERSONAL_ID_PATTERN,
)

_FORM_OF: Final = {
    "personal_id": PERSONAL_ID_PATTERN,
    "old_identity_number": OLD_IDENTITY_NUMBER_PATTERN,
    "insurance_number": INSURANCE_NUMBER_PATTERN,
}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`person PERSON` and its options."""
    parser = commands.add_parser(
        "person",
        help="look a person up: who they are, their cards, their dossiers",
        description="Look a person up through the API: who they are, who says so and since when, "
        "who says otherwise, their insurance cards and dossiers, as far as your role may see "
        "them. The look is noted in the access log, a refused one too.",
    )
    parser.add_argument(
        "person",
        metavar="PERSON",
        nargs="?",
        help=f"their personal id (12 digits), or {RECORD_ID}, for example in a search",
    )
    parser.add_argument(
        "--old-number",
        dest="old_identity_number",
        metavar="N",
        help="their old identity number (9 digits)",
    )
    parser.add_argument(
        "--insurance-number", metavar="N", help="the number of their insurance card (10 digits)"
    )
    asking.add_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Look the person up and show them."""
    wanted(options)  # before anything is asked: a slip of the finger leaves no trace
    return ask(asking.opened(options), options, console)


def ask(api: Api, options: argparse.Namespace, console: Console) -> Exit:
    """Ask the API for the person and show the answer."""
    body = wanted(options)
    if body is None:
        answer = by_id(api, PERSON.name, options.person)
        found: Document = {"person": answer.document}
    else:
        answer = api.post(LOOKUPS, body)
        found = answer.document
    if console.as_json:
        console.document(answer.document)
    else:
        tell(found, api, answer, console)
        if body is None:
            console.note(
                "Their cards and dossiers are in the answer when you look them up by a number."
            )
    return Exit.OK


def wanted(options: argparse.Namespace) -> dict[str, str] | None:
    """The body of the lookup, or None where the person is named by an opaque id.

    Raises `Misuse` unless exactly one number of the right form is given.
    """
    given = {
        "personal_id": options.person,
        "old_identity_number": options.old_identity_number,
        "insurance_number": options.insurance_number,
    }
    named = {name: "".join(text.split()) for name, text in given.items() if text is not None}
    if len(named) != 1:
        raise Misuse(
            "Name one person: by personal id, or with --old-number or --insurance-number, and by "
            "one of them alone. To find somebody by name, use `lienthong search`."
        )
    ((name, text),) = named.items()
    if name == "personal_id" and is_record_id(text):
        return None
    if not re.fullmatch(_FORM_OF[name], text):
        raise Misuse(f"{EXPECTED[_FORM_OF[name]]} Nothing was asked.")
    return {name: text}


def tell(found: Document, api: Api, answer: Answer, console: Console) -> None:
    """Person, cards and dossiers for people."""
    reader = Reader.of(api)
    person = found.get("person")
    if person is None:
        console.say("[bold]The population records do not have this person.[/]")
    else:
        tell_record(person, reader, console, title=headline(person, reader))
    for card in found.get("insurance_cards") or ():
        console.say()
        if is_hidden(card):
            console.say(f"[bold]Insurance card[/]\n[dim]1 {markup(reader.hidden)}[/]")
            continue
        number = reader.text(card, "insurance_number")
        tell_record(card, reader, console, title=f"Insurance card {number}")
    dossiers = found.get("dossiers") or ()
    if dossiers:
        console.say("\n[bold]Dossiers[/]")
        tell_dossiers(dossiers, reader, console)
    if found.get("complete") is False:
        console.say("\nThere are more cards or dossiers than one answer holds.")
    if person is not None:
        console.say(f"\n[dim]record {markup(str(person.get('record')))}[/]")
    asking.tell_trace(api, answer, console)


def headline(person: Document, reader: Reader) -> str:
    """`Đặng Thị Mẫu, female, born 1990-04-30`, of what may be seen of it."""
    fields = person.get("fields", {})
    parts = [
        reader.text(person, name)
        for name in ("full_name", "sex")
        if name in fields and not fields[name].get("masked")
    ]
    born = fields.get("date_of_birth", {})
    if "value" in born:
        parts.append(f"born {markup(str(born['value']))}")
    status = (fields.get("life", {}).get("value") or {}).get("status")
    if status and status != "alive":
        parts.append(f"[red]{markup(str(status))}[/]")
    return ", ".join(parts) or "A person"
