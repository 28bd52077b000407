"""`lienthong search`: people by name, however it was typed."""

from __future__ import annotations

import argparse
import re
from typing import Final

from infra.lienthong import asking
from infra.lienthong.api import Answer, Api, Document
from infra.lienthong.console import Console, markup
from infra.lienthong.problems import Exit, Misuse
from infra.lienthong.record_answers import Reader
from schemas.forms import (
    COMMUNE_PATTERN,
    EXPECTED,
    OLD_IDENTITY_NUMBER_PATTERN,
    PARTIAL_DATE_PATTERN,
)

SEARCHES: Final = "/v1/people/searches"
_YEAR: Final = re.compile("[0-9]{4}")
_MATCHES: Final = {
    "exact": "as typed",
    "case": "but for capitals",
    "tone": "but for the tone's place",
    "diacritics": "without diacritics",
}


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`search NAME` and its options."""
    parser = commands.add_parser(
        "search",
        help="find people by name",
        description="Find people by name through the API, without regard to capitals, the tone's "
        "place and diacritics; exact matches first. A name alone is not enough: add one of "
        "--born, --commune and --old-number. The search is noted in the access log.",
    )
    parser.add_argument(
        "name", metavar="NAME", nargs="+", help="the name, with or without diacritics"
    )
    parser.add_argument("--born", metavar="WHEN", help="year (1990) or date (1990-05-12) of birth")
    parser.add_argument("--commune", metavar="CODE", help="commune they live in (5 digits)")
    parser.add_argument(
        "--old-number",
        dest="old_identity_number",
        metavar="N",
        help="their old identity number (9 digits)",
    )
    parser.add_argument("--most", type=int, metavar="N", help="show at most N people (at most 50)")
    asking.add_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Search; `Exit.FINDINGS` where nobody was found."""
    wanted(options)
    return ask(asking.opened(options), options, console)


def ask(api: Api, options: argparse.Namespace, console: Console) -> Exit:
    """Ask the API for people of the name and list them."""
    answer = api.post(SEARCHES, wanted(options))
    if console.as_json:
        console.document(answer.document)
    else:
        tell(answer, api, console)
    return Exit.OK if answer.document.get("people") else Exit.FINDINGS


def wanted(options: argparse.Namespace) -> dict[str, str | int]:
    """The body of the search; `Misuse` where it is too wide or a value has no right form."""
    found: dict[str, str | int] = {"name": " ".join(options.name)}
    if options.born is not None:
        if _YEAR.fullmatch(options.born):
            found["year_of_birth"] = int(options.born)
        elif re.fullmatch(PARTIAL_DATE_PATTERN, options.born):
            found["date_of_birth"] = options.born
        else:
            raise Misuse("--born is a year (1990) or a date that exists (1990-05-12). Correct it.")
    for field, pattern in (
        ("commune", COMMUNE_PATTERN),
        ("old_identity_number", OLD_IDENTITY_NUMBER_PATTERN),
    ):
        text = getattr(options, field)
        if text is not None:
            if not re.fullmatch(pattern, text):
                raise Misuse(EXPECTED[pattern])
            found[field] = text
    if len(found) == 1:
        raise Misuse(
            "A name alone finds too many people. Add what you know of this one: --born with the "
            "year or date of birth, --commune or --old-number."
        )
    if options.most is not None:
        if not 1 <= options.most <= 50:
            raise Misuse("--most is a number from 1 to 50. Correct it.")
        found["limit"] = options.most
    return found


def tell(answer: Answer, api: Api, console: Console) -> None:
    """The people found, the best match first."""
    people = answer.document.get("people") or []
    if not people:
        console.say(
            "Nobody of that name was found who fits the rest. Check the year and the commune; "
            "a name may also be recorded otherwise."
        )
    else:
        reader = Reader.of(api)
        number = len(people)
        console.say(f"[bold]{'1 person' if number == 1 else f'{number} people'}[/]")
        console.table(
            ("name", "born", "sex", "residence", "matches", "record"),
            (_row(person, reader) for person in people),
        )
        if answer.document.get("complete") is False:
            hint = answer.document.get("hint") or "There are more people than these."
            console.say(f"\n{markup(str(hint))}")
        console.say("\nSee one of them: `lienthong person RECORD`.")
    asking.tell_trace(api, answer, console)


def _row(person: Document, reader: Reader) -> tuple[str, ...]:
    match = str(person.get("match", ""))
    return (
        *(
            reader.text(person, field)
            for field in ("full_name", "date_of_birth", "sex", "residence")
        ),
        markup(_MATCHES.get(match, match)),
        markup(str(person.get("record", ""))),
    )
