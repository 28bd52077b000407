"""`lienthong dossiers`: what an agency has on its desk, in the order in which it falls due."""

from __future__ import annotations

import argparse
import re
from typing import Final

from infra.lienthong import asking
from infra.lienthong.api import Api
from infra.lienthong.console import Console, counted, markup
from infra.lienthong.lookups import pages
from infra.lienthong.moments import FORMS, from_moment
from infra.lienthong.problems import Exit, Misuse
from infra.lienthong.provenance import STATUS_NAMES
from infra.lienthong.record_answers import Reader, tell_dossiers
from schemas.forms import AGENCY_ID_MAX, ANY_AGENCY_ID_PATTERN, EXPECTED

DOSSIERS: Final = "/v1/dossiers"
_MOST: Final = 50
_STATUSES: Final = ", ".join(f"{number} {name}" for number, name in STATUS_NAMES.items())


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`dossiers` and its options."""
    parser = commands.add_parser(
        "dossiers",
        help="list the dossiers that an agency handles, as they fall due",
        description="List the dossiers that an agency handles, through the API: first those "
        "without a due date, then the others as they fall due. Only what is still open is listed, "
        "unless --status says otherwise. Each of them is noted as a look at its applicant.",
        epilog=f"States: {_STATUSES}. The dossiers of a person are in `lienthong person`, one with "
        "its timeline in `lienthong show dossier`.",
    )
    parser.add_argument(
        "--agency", metavar="ID", help="the agency that handles them (default: your own)"
    )
    parser.add_argument(
        "--status",
        metavar="N,...",
        help="only in these national states, such as 5,6 (default: all that are open)",
    )
    parser.add_argument(
        "--due-before",
        type=from_moment,
        metavar="T",
        help=f"only those due before then, none without a due date: {FORMS}",
    )
    parser.add_argument(
        "--most", type=int, default=_MOST, metavar="N", help=f"list at most N dossiers ({_MOST})"
    )
    asking.add_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, console: Console) -> Exit:
    """List the dossiers; `Exit.OK` also where there are none."""
    wanted(options)  # before anything is asked: a slip of the finger leaves no trace
    return ask(asking.opened(options), options, console)


def ask(api: Api, options: argparse.Namespace, console: Console) -> Exit:
    """Ask the API for the dossiers, page after page, and list them."""
    question = wanted(options)
    answer, dossiers, more = pages(
        lambda cursor: api.get(DOSSIERS, **question, cursor=cursor), options.most, "dossiers"
    )
    if console.as_json:
        console.document({"dossiers": dossiers, "complete": not more})
        return Exit.OK
    handler = markup(options.agency or api.signed_in.agency or "your agency")
    if not dossiers:
        console.say(f"{handler} handles {_nothing(question)}")
    else:
        console.say(f"[bold]{counted(len(dossiers), 'dossier')}[/] handled by {handler}")
        tell_dossiers(dossiers, Reader.of(api), console, of_one_agency=True)
        if more:
            console.say(f"\nThere are more than these {len(dossiers):,}: add --most.")
        console.say("\nSee one of them: `lienthong show dossier CODE`.")
    asking.tell_trace(api, answer, console)
    return Exit.OK


def wanted(options: argparse.Namespace) -> dict[str, str | None]:
    """The query; `Misuse` where a value has no right form."""
    agency, status = options.agency, options.status
    if agency is not None and not (
        len(agency) <= AGENCY_ID_MAX and re.fullmatch(ANY_AGENCY_ID_PATTERN, agency)
    ):
        raise Misuse(EXPECTED[ANY_AGENCY_ID_PATTERN])
    if status is not None:
        numbers = [part.strip() for part in status.split(",")]
        if not {*numbers} <= {*map(str, STATUS_NAMES)}:
            raise Misuse(
                f"--status is one or more of the national states, a comma between: {_STATUSES}."
            )
        status = ",".join(dict.fromkeys(numbers))
    if options.most < 1:
        raise Misuse("--most is a number from 1 on. Correct it.")
    return {"agency": agency, "status": status, "due_before": options.due_before}


def _nothing(question: dict[str, str | None]) -> str:
    """What an empty answer means, and what else could be asked."""
    if question["status"] or question["due_before"]:
        return "no such dossier. Without --status and --due-before all are listed that are open."
    return "no dossier that is open. With --status 9,10 those are listed that are done."
