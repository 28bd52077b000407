"""`lienthong allowance`: how many looks are left of the day."""

from __future__ import annotations

import argparse
from typing import Any, Final

from infra.lienthong import asking
from infra.lienthong.api import Api
from infra.lienthong.console import Console, counted, markup
from infra.lienthong.problems import Exit

ME: Final = "/v1/me"


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`allowance` and its options."""
    parser = commands.add_parser(
        "allowance",
        help="how many looks are left of your day",
        description="Show as whom the API knows you, and how many looks are left of your day, "
        "which begins at midnight in Vietnam. A look at a person with all that belongs to them "
        "counts as one, and so do ten hits of a search or a list. This is no look.",
    )
    asking.add_options(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, console: Console) -> Exit:
    """Show it; `Exit.FINDINGS` where nothing is left."""
    return ask(asking.opened(options), console)


def ask(api: Api, console: Console) -> Exit:
    """Ask the API who asks and what is left, and show it."""
    document = api.get(ME).document
    allowance = document.get("allowance") or {}
    left: Any = allowance.get("left")
    if console.as_json:
        console.document(document)
    else:
        agency = " ".join(str(document.get(n) or "") for n in ("agency", "agency_name")).strip()
        roles = ", ".join(document.get("roles") or ()) or "no role"
        console.say(markup(f"{document.get('name')} of {agency}, as {roles}."))
        if left is None:
            console.say("There is no limit to your looks a day.")
        else:
            used = f"{allowance['looks']:,} of {allowance['most']:,}"
            console.say(f"[bold]{counted(left, 'look')}[/] left today: {used} are used.")
    return Exit.FINDINGS if left == 0 else Exit.OK
