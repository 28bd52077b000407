"""`lienthong up`, `down` and `status`: the local stack."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any, cast

from infra.lienthong.console import Console, Json
from infra.lienthong.problems import Exit, Unreachable
from infra.local import stack
from infra.local.__main__ import table
from infra.local.site import LocalStackError


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """`up`, `down` and `status`."""
    parser = commands.add_parser(
        "up",
        help="start the local stack, or bring it up to date",
        description="Start the emulator if none answers, deploy the template, register agencies.",
    )
    parser.set_defaults(run=up)
    parser = commands.add_parser(
        "down", help="stop the local stack", description="Stop it; its tables are kept."
    )
    parser.set_defaults(run=down)
    parser = commands.add_parser(
        "status",
        help="what of the local stack is there",
        description="Show the server, the stack, queue depths, tables and functions.",
    )
    parser.set_defaults(run=status)


def up(options: argparse.Namespace, console: Console) -> Exit:
    """Start it; the outputs are on stdout with `--json`, else in `.local/outputs.json`."""
    del options
    try:
        outputs = stack.up(report=console.note)
    except LocalStackError as error:
        raise Unreachable(str(error)) from None
    if console.as_json:
        console.document(cast(Json, outputs))
    else:
        console.say(f"The stack is up at {outputs['endpoint']}, region {outputs['region']}.")
    return Exit.OK


def down(options: argparse.Namespace, console: Console) -> Exit:
    """Stop what `up` started."""
    del options
    try:
        stopped = stack.down(report=console.note)
    except LocalStackError as error:
        raise Unreachable(str(error)) from None
    if console.as_json:
        console.document({"stopped": stopped})
    return Exit.OK


def status(options: argparse.Namespace, console: Console) -> Exit:
    """Show it; `Exit.UNREACHABLE` while events cannot be sent."""
    del options
    try:
        found = stack.status()
    except LocalStackError as error:
        raise Unreachable(str(error)) from None
    if console.as_json:
        plain: Any = {**asdict(found), "is_up": found.is_up}
        console.document(cast(Json, plain))
    else:
        console.out.print("\n".join(table(found)), markup=False)
    return Exit.OK if found.is_up else Exit.UNREACHABLE
