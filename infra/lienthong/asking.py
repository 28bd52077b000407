"""How a command comes to its questions: which stack, as whom, and why; and its last line."""

from __future__ import annotations

import argparse

from infra.lienthong import context, errand, signing_in
from infra.lienthong.api import Answer, Api, UrlWire, url_of
from infra.lienthong.console import Console, markup


def opened(options: argparse.Namespace, *, with_errand: bool = True) -> Api:
    """The API of the stack that the options name, signed in as they say.

    The parser has the options of `add_options`. Raises `Misuse` where the errand is not told,
    `Unreachable` where there is no stack, no API or no sign-in.
    """
    why = errand.errand_of(options) if with_errand else None
    stack = context.resolve(options)
    return Api(url_of(stack), lambda: signing_in.token(stack, options.as_role), why, UrlWire())


def add_options(parser: argparse.ArgumentParser, *, with_errand: bool = True) -> None:
    """Which stack, signed in as whom, and why."""
    if with_errand:
        errand.add_as_options(parser)
    signing_in.add_as_option(parser)
    context.add_stack_options(parser)


def tell_trace(api: Api, answer: Answer, console: Console) -> None:
    """One line on what the access log noted of the look that just was."""
    who, why = api.signed_in.name, api.errand
    said = f"Times are Vietnam time. Noted in the access log: {who}"
    if why is not None:
        said += f", for {why}"
    if answer.request_id is not None:
        said += f"; request {answer.request_id}"
    console.say(f"\n[dim]{markup(said)}.[/]")
