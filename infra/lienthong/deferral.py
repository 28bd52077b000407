"""`lienthong access-log defer`: a look is hidden from the person it is about, until a day."""

from __future__ import annotations

import argparse
import re
from datetime import date
from typing import Final

from functions.shared.core.correction import WrongRule, checked_why
from infra.lienthong import asking
from infra.lienthong.api import Api, in_path
from infra.lienthong.console import Console, markup
from infra.lienthong.problems import Exit, Misuse
from infra.lienthong.provenance import local
from infra.lienthong.who_looked import ACCESS_LOG

_ENTRY: Final = re.compile("[A-Za-z0-9_-]{8,1024}")
_DAY: Final = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


def add_parser(what: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`access-log defer ENTRY` and its options."""
    parser = what.add_parser(
        "defer",
        help="hide a look from the person it is about, until a day",
        description="Hide a look from the person it is about until a day, at most 366 days ahead, "
        "through the API, as an inspector may. The look itself is not touched: the hiding is a "
        "further entry of the same chain. A later one replaces it.",
        epilog="`lienthong who-looked PERSON --ids` has the ids of looks.",
    )
    parser.add_argument("entry", metavar="ENTRY", help="the look's id")
    parser.add_argument(
        "--until",
        required=True,
        metavar="DAY",
        help="the person is told from that day on, such as 2027-01-31 (Vietnam time)",
    )
    parser.add_argument("--why", required=True, metavar="TEXT", help="why; it is noted")
    asking.add_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Hide the look; `Refused` where there is none, or where it is not yours to hide."""
    wanted(options)
    return ask(asking.opened(options), options, console)


def ask(api: Api, options: argparse.Namespace, console: Console) -> Exit:
    """Ask the API to hide the look, and say until when it is."""
    body = wanted(options)
    answer = api.post(f"{ACCESS_LOG}/{in_path(options.entry)}/deferrals", body)
    if console.as_json:
        console.document(answer.document)
    else:
        until = markup(local(str(answer.document.get("hidden_until"))))
        console.say(f"[green]Hidden[/] from the person until {until}; from then on they are told.")
        asking.tell_trace(api, answer, console)
    return Exit.OK


def wanted(options: argparse.Namespace) -> dict[str, str]:
    """The body of the deferral; `Misuse` where a value has no right form."""
    if not _ENTRY.fullmatch(options.entry):
        raise Misuse(
            f"{options.entry} is no id of a look. `lienthong who-looked PERSON --ids` has them."
        )
    try:
        if not _DAY.fullmatch(options.until):
            raise ValueError
        date.fromisoformat(options.until)
    except ValueError:
        raise Misuse("--until is a day that exists, such as 2027-01-31. Correct it.") from None
    try:
        return {"until": options.until, "why": checked_why(options.why)}
    except WrongRule as error:
        raise Misuse(str(error).replace("`why`", "--why")) from None
