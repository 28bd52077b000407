"""`lienthong`, also `python -m infra.lienthong`: the commands and their exit codes."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from typing import Any, Final

from infra.lienthong import (
    access_log,
    agencies,
    allowance,
    city,
    console,
    demo,
    dossiers,
    erase,
    history,
    import_log,
    load,
    loads,
    local,
    person,
    policy,
    quarantine,
    receipt,
    search,
    send,
    show,
    signing_in,
    stats,
    verify,
    who_looked,
)
from infra.lienthong.console import Console
from infra.lienthong.problems import Exit, Problem

COMMANDS: Final = (
    send,
    load,
    loads,
    signing_in,
    allowance,
    search,
    person,
    dossiers,
    show,
    history,
    receipt,
    who_looked,
    verify,
    access_log,
    stats,
    erase,
    quarantine,
    import_log,
    agencies,
    policy,
    city,
    demo,
    local,
)


# Two hyphens and lower-case words are a long option that somebody mistyped.
_OPAQUE: Final = re.compile("(?!--[a-z-]*$)-[A-Za-z0-9_-]{21,}")


class Parser(argparse.ArgumentParser):
    """Takes an opaque id or cursor for what it is, also where it begins with a hyphen, as one in
    64 does."""

    def _parse_optional(self, arg_string: str) -> Any:
        if arg_string not in self._option_string_actions and _OPAQUE.fullmatch(arg_string):
            return None
        return super()._parse_optional(arg_string)


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    top = Parser(
        prog="lienthong",
        description="Shared records of a province: send events, ask for records, verify them.",
        epilog="Exit codes: 0 done; 1 findings or refused; 2 wrong use; 3 no stack or no sign-in.",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_parser(commands)
    for sub in commands.choices.values():
        console.add_options(sub)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is one of `problems.Exit`."""
    try:
        options = parser().parse_args(arguments)
    except SystemExit as stop:  # argparse has said what is wrong, or printed the help
        return int(stop.code or 0)
    terminal = Console(as_json=options.json, quiet=options.quiet)
    try:
        return int(options.run(options, terminal))
    except Problem as problem:
        terminal.complain(problem)
        return int(problem.exit)
    except KeyboardInterrupt:
        terminal.note("Interrupted. What was done stays done; running it again does no harm.")
        return int(Exit.INTERRUPTED)
    except BrokenPipeError:
        # The reader (`| head`) has enough. Python would complain again while it closes stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(Exit.OK)


if __name__ == "__main__":
    sys.exit(main())
